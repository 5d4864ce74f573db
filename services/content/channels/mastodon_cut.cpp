#include "content/channels/mastodon_cut.hpp"

#include "content/channels/mastodon_length.hpp"
#include "content/graphemes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::content {

bool fits_post(const std::string& words, const Limits& limits) {
    return limits.text_max == 0 || mastodon_length(words) <= limits.text_max;
}

std::string join_parts(const std::vector<std::string_view>& parts) {
    std::string text;
    for (const std::string_view part : parts) {
        if (part.empty()) continue;
        if (!text.empty()) text += "\n\n";
        text += part;
    }
    return text;
}

static bool is_blank(char c) { return c == ' ' || c == '\n'; }

static std::vector<size_t> word_ends(std::string_view text) {
    std::vector<size_t> ends;
    // Blanks only: a cut inside a link would lead somewhere else.
    for (size_t i = 1; i < text.size(); ++i)
        if (is_blank(text[i]) && !is_blank(text[i - 1])) ends.push_back(i);
    return ends;
}

// Where a sentence ends and a blank follows.
static std::vector<size_t> whole_sentences(std::string_view text, std::string_view language) {
    std::vector<size_t> ends = sentence_ends(text, language);
    std::erase_if(ends, [&](size_t end) { return end == text.size() || !is_blank(text[end - 1]); });
    return ends;
}

static Beginning longest(std::string_view text, const std::vector<size_t>& ends, bool sentences,
                         const std::function<bool(const Beginning&)>& fits) {
    const auto upto = [&](size_t end) { return Beginning{trim(text.substr(0, end)), sentences}; };
    // Longer beginnings are never shorter posts, so the last one that fits is found by halving.
    const auto too_long =
        std::ranges::partition_point(ends, [&](size_t end) { return fits(upto(end)); });
    if (too_long == ends.begin() || !fits(upto(*std::prev(too_long)))) return {};
    return upto(*std::prev(too_long));
}

Beginning cut_text(std::string_view text, std::string_view language,
                   const std::function<bool(const Beginning&)>& fits) {
    const Beginning words = longest(text, word_ends(text), false, fits);
    const Beginning sentences = longest(text, whole_sentences(text, language), true, fits);
    const bool enough = !sentences.text.empty() && sentences.text.size() * 2 >= words.text.size();
    return enough ? sentences : words;
}

// A heading that leaves too little room is not repeated.
static std::string_view heading_later(const ThreadWords& words, const Limits& limits) {
    constexpr int share = 3;
    const bool short_enough = mastodon_length(words.heading_later) * share <= limits.text_max;
    return short_enough ? words.heading_later : std::string_view{};
}

std::vector<std::string> make_thread(const ThreadWords& words, const Limits& limits) {
    const std::string_view again = heading_later(words, limits);
    const auto post = [&](size_t index, size_t count, const Beginning& part) {
        const std::string numbered =
            fmt::format("{}{} ({}/{})", part.text, part.sentences ? "" : "…", index + 1, count);
        const bool first = index == 0;
        return join_parts({words.marking, first ? words.heading : again, numbered,
                           first ? words.permalink : std::string_view{}});
    };
    std::vector<Beginning> parts;
    std::string_view rest = trim(words.text);
    while (!rest.empty()) {
        if (parts.size() == thread_posts_max) return {};
        const auto fits = [&](const Beginning& part) {
            return fits_post(post(parts.size(), thread_posts_max, part), limits);
        };
        const Beginning whole{rest, true};
        const Beginning next = fits(whole) ? whole : cut_text(rest, words.language, fits);
        if (next.text.empty()) return {};
        parts.push_back(next);
        rest = trim(rest.substr(next.text.size()));
    }
    std::vector<std::string> posts;
    posts.reserve(parts.size());
    for (const Beginning& part : parts) posts.push_back(post(posts.size(), parts.size(), part));
    return posts;
}

}  // namespace tocsin::content
