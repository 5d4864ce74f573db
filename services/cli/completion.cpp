#include "cli/completion.hpp"

#include "cli/failure.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "runtime/base/nearest.hpp"
#include "texts/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tocsin::cli {

std::string completion_script(const std::string& shell) {
    if (shell == "bash")
        return R"(_tocsin() {
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tocsin tocsin
)";
    if (shell == "zsh")
        return R"(#compdef tocsin
_tocsin() {
    local -a found
    found=("${(@f)$(tocsin __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    found=(${found:#})
    if (( ${#found} )); then compadd -a found; else _files; fi
}
# Sourced, it registers itself; found in $fpath, it is called for the first time.
if [[ ${funcstack[1]} == _tocsin ]]; then _tocsin "$@"; else compdef _tocsin tocsin; fi
)";
    if (shell == "fish")
        return R"(function __tocsin_words
    tocsin __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
complete -c tocsin -f -a '(__tocsin_words)'
complete -c tocsin -F -n 'test (count (__tocsin_words)) -eq 0'
)";
    throw Failure(Exit::usage, "completion: bash, zsh or fish");
}

static const CLI::App* child_named(const CLI::App& app, const std::string& name) {
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
        if (child->get_name() == name) return child;
    return nullptr;
}

static std::vector<std::string> verbs_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!child->get_group().empty()) names.push_back(child->get_name());
    return names;
}

namespace {

// How far the words of a command line lead into the tree: the last one is where they arrived.
class Path {
public:
    explicit Path(const CLI::App& top) : levels_{&top} {}

    // False: the word is neither a verb here, nor a flag of a level above, nor a flag's value.
    bool step(const std::string& word) {
        if (std::exchange(value_follows_, false)) return true;
        if (word.starts_with("-") && word.size() > 1) {
            const auto* option = flag(word.substr(0, word.find('=')));
            value_follows_ = option != nullptr && option->get_items_expected_min() > 0 &&
                             word.find('=') == std::string::npos;
            return option != nullptr;
        }
        const CLI::App* child = child_named(at(), word);
        if (child != nullptr) levels_.push_back(child);
        return child != nullptr || at().get_require_subcommand_min() == 0;
    }
    bool value_follows() const { return value_follows_; }
    const CLI::App& at() const { return *levels_.back(); }
    const CLI::Option* flag(const std::string& name) const {
        for (const CLI::App* level : levels_)
            if (const auto* option = level->get_option_no_throw(name)) return option;
        return nullptr;
    }
    std::vector<std::string> flags() const {
        std::vector<std::string> names;
        for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
            for (const CLI::Option* option : (*level)->get_options())
                for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        return names;
    }

private:
    std::vector<const CLI::App*> levels_;
    bool value_follows_ = false;
};

}  // namespace

// The words that may stand as the value of a flag or of a positional of the verb `at`.
static std::vector<std::string> values_of(const CLI::App& at, const std::string& name) {
    static const std::map<std::string, std::vector<std::string>> anywhere{
        {"SERVICE", {std::begin(service_names), std::end(service_names)}},
        {"SHELL", {"bash", "zsh", "fish"}},
        {"--world", {"live", "exercise"}},
    };
    if (const auto found = anywhere.find(name); found != anywhere.end()) return found->second;
    const CLI::App* above = at.get_parent();
    const std::string noun =
        above == nullptr || above->get_parent() == nullptr ? "" : above->get_name();
    for (const Verb& verb : verbs())
        if (verb.noun == noun && verb.name == at.get_name())
            for (const Field& field : verb.fields)
                if (field.flag == name) return choices_of(verb, field);
    return {};
}

static std::vector<std::string> positional_values(const CLI::App& at) {
    for (const CLI::Option* option : at.get_options())
        if (option->get_positional() && !option->get_name(true).empty())
            if (auto values = values_of(at, option->get_name(true)); !values.empty()) return values;
    return {};
}

std::vector<std::string> candidates(const CLI::App& app, const std::vector<std::string>& words) {
    Path path(app);
    for (std::size_t index = 0; index + 1 < words.size(); ++index) path.step(words[index]);
    const std::string typed = words.empty() ? "" : words.back();
    const std::string before = words.size() < 2 ? "" : words[words.size() - 2];
    std::vector<std::string> all = verbs_of(path.at());
    if (const auto* option = before.starts_with("--") ? path.flag(before) : nullptr;
        option != nullptr && option->get_items_expected_min() > 0)
        all = values_of(path.at(), before);
    else if (typed.starts_with("-"))
        all = path.flags();
    else if (all.empty())
        all = positional_values(path.at());
    std::erase_if(all, [&](const std::string& word) { return !word.starts_with(typed); });
    return all;
}

std::string mistake_in(const CLI::App& app, const std::vector<std::string>& words) {
    Path path(app);
    for (const std::string& word : words) {
        if (path.step(word)) continue;
        const bool flag = word.starts_with("-");
        const std::string name = word.substr(0, word.find('='));
        const std::string near = runtime::nearest(name, flag ? path.flags() : verbs_of(path.at()));
        return fmt::format("no such {}: {}; {}", flag ? "flag" : "verb", name,
                           near.empty() ? "--help lists them" : "did you mean " + near + "?");
    }
    return {};
}

std::string not_utf8_in(const CLI::App& app, const std::vector<std::string>& words) {
    Path path(app);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool is_value = path.value_follows();
        path.step(word);
        if (texts::is_utf8(word)) continue;
        const std::string name = is_value ? words[i - 1] : word.substr(0, word.find('='));
        const bool named = name.starts_with('-') && texts::is_utf8(name);
        return fmt::format("{}: is not UTF-8", named ? name : fmt::format("argument {}", i + 1));
    }
    return {};
}

}  // namespace tocsin::cli
