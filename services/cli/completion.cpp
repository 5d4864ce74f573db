#include "cli/completion.hpp"

#include "cli/failure.hpp"

namespace tocsin::cli {

std::string completion_script(const std::string& shell) {
    if (shell == "bash")
        return R"(_tocsin() {
    local IFS=$'\n'
    COMPREPLY=($(tocsin __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tocsin tocsin
)";
    if (shell == "zsh")
        return R"(#compdef tocsin
_tocsin() {
    local -a found
    found=("${(@f)$(tocsin __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -a found
}
compdef _tocsin tocsin
)";
    if (shell == "fish")
        return R"(function __tocsin_words
    tocsin __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
complete -c tocsin -f -a '(__tocsin_words)'
)";
    throw Failure(Exit::usage, "completion: bash, zsh or fish");
}

static const CLI::App* child_named(const CLI::App& app, const std::string& name) {
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
        if (child->get_name() == name) return child;
    return nullptr;
}

std::vector<std::string> candidates(const CLI::App& app, const std::vector<std::string>& words) {
    const CLI::App* at = &app;
    for (std::size_t index = 0; index + 1 < words.size(); ++index)
        if (const CLI::App* child = child_named(*at, words[index])) at = child;
    const std::string typed = words.empty() ? "" : words.back();
    std::vector<std::string> found;
    const auto offer = [&](const std::string& name) {
        if (name.starts_with(typed)) found.push_back(name);
    };
    if (!typed.starts_with("-")) {
        for (const CLI::App* child : at->get_subcommands([](const CLI::App*) { return true; }))
            if (!child->get_group().empty()) offer(child->get_name());
        return found;
    }
    for (const CLI::App* level : {at, &app}) {
        for (const CLI::Option* option : level->get_options())
            for (const std::string& name : option->get_lnames()) offer("--" + name);
        if (at == &app) break;
    }
    return found;
}

}  // namespace tocsin::cli
