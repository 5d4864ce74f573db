// `mastodon`: one public post per language on any server with Mastodon's client API.
#include "content/channel.hpp"
#include "content/channels/mastodon_length.hpp"
#include "content/graphemes.hpp"
#include "content/texts.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace tocsin::content {
namespace {

struct Pieces {
    std::string_view marking;
    std::string_view headline;
    std::string_view description;
    std::string instruction;
    std::string_view permalink;
};

// One empty line between parts, none for a part that is not there.
std::string join(const Pieces& parts) {
    std::string text;
    for (const std::string_view part : {parts.marking, parts.headline, parts.description,
                                        std::string_view{parts.instruction}, parts.permalink}) {
        if (part.empty()) continue;
        if (!text.empty()) text += "\n\n";
        text += part;
    }
    return text;
}

bool fits(const std::string& text, const Limits& limits) {
    return limits.text_max == 0 || mastodon_length(text) <= limits.text_max;
}

// The longest beginning of `instruction` that ends at one of `ends` and lets the post fit, with
// `mark` behind it; empty for none.
std::string cut_at(Pieces parts, std::string_view instruction, const std::vector<size_t>& ends,
                   std::string_view mark, const Limits& limits) {
    const auto attempt = [&](size_t end) {
        parts.instruction = std::string{trim(instruction.substr(0, end))}.append(mark);
        return fits(join(parts), limits);
    };
    // Longer beginnings are never shorter posts, so the last one that fits is found by halving.
    const auto too_long = std::ranges::partition_point(ends, attempt);
    if (too_long == ends.begin() || !attempt(*std::prev(too_long))) return {};
    return std::move(parts.instruction);
}

std::vector<size_t> word_ends(std::string_view text) {
    std::vector<size_t> ends;
    // Blanks only: a cut inside a link would lead somewhere else.
    for (size_t i = 1; i < text.size(); ++i)
        if ((text[i] == ' ' || text[i] == '\n') && text[i - 1] != ' ' && text[i - 1] != '\n')
            ends.push_back(i);
    return ends;
}

// Where a sentence ends and a blank follows.
std::vector<size_t> whole_sentences(std::string_view text, std::string_view language) {
    std::vector<size_t> ends = sentence_ends(text, language);
    std::erase_if(ends, [&](size_t end) {
        return end == text.size() || (text[end - 1] != ' ' && text[end - 1] != '\n');
    });
    return ends;
}

// Drops the description first, then cuts the instruction; never the headline or the link.
std::string fit(Pieces parts, std::string_view language, const Limits& limits) {
    const std::string whole = join(parts);
    if (fits(whole, limits)) return whole;
    parts.description = {};
    const std::string short_form = join(parts);
    if (fits(short_form, limits)) return short_form;
    const std::string instruction = std::move(parts.instruction);
    const std::vector<size_t> sentences = whole_sentences(instruction, language);
    std::string sentence_cut = cut_at(parts, instruction, sentences, " …", limits);
    std::string word_cut = cut_at(parts, instruction, word_ends(instruction), "…", limits);
    // No room for any part of the instruction: the author has to shorten the text.
    if (word_cut.empty()) return short_form;
    // Whole sentences read better, unless they cost more than half of what could be said.
    const bool enough = sentence_cut.size() * 2 >= word_cut.size();
    parts.instruction = enough ? std::move(sentence_cut) : std::move(word_cut);
    return join(parts);
}

std::string post_text(const Content& content, const Text& text, const Fixed& fixed,
                      const Limits& limits) {
    Pieces parts{.marking = marking(content),
                 .headline = trim(text.headline()),
                 .description = trim(text.description()),
                 .instruction = std::string{trim(text.instruction())},
                 .permalink = fixed.permalink()};
    const int other = find_channel_text(text, "mastodon");
    if (other < 0) return fit(std::move(parts), text.language(), limits);
    // The author's own words, whole. The link stays: by it the post is found again.
    parts.headline = trim(text.channel_texts(other).text());
    parts.description = {};
    parts.instruction.clear();
    if (parts.headline.contains(fixed.permalink())) parts.permalink = {};
    return join(parts);
}

Finding too_long(const std::string& path, const Text& text, int64_t length, const Limits& limits) {
    const int other = find_channel_text(text, "mastodon");
    return {Finding::Level::error, "too_long",
            other < 0 ? path + ".headline" : fmt::format("{}.channel_texts[{}].text", path, other),
            fmt::format("The Mastodon post in {} is {} characters too long ({} of {}): shorten {}.",
                        text.language(), length - limits.text_max, length, limits.text_max,
                        other < 0 ? "the headline, or write a text for this channel" : "its text")};
}

std::expected<Rendition, Finding> render(const Content& content, std::string_view language,
                                         const Fixed& fixed, const Limits& limits) {
    const Texts& texts = said(content, fixed);
    const std::string field = fixed.retraction() ? "retraction" : "texts";
    const int index = find_text(texts, language);
    if (index < 0)
        return std::unexpected{Finding{Finding::Level::error, "language_missing", field,
                                       fmt::format("Write the {} text.", language)}};
    const std::string status = printable(post_text(content, texts[index], fixed, limits));
    const int64_t length = mastodon_length(status);
    if (!fits(status, limits))
        return std::unexpected{
            too_long(fmt::format("{}[{}]", field, index), texts[index], length, limits)};
    nlohmann::ordered_json body{
        {"status", status}, {"language", primary_language(language)}, {"visibility", "public"}};
    if (!fixed.in_reply_to().empty()) body["in_reply_to_id"] = printable(fixed.in_reply_to());
    Rendition rendition;
    rendition.set_body(body.dump());
    rendition.set_media_type("application/json");
    rendition.set_language(std::string{language});
    rendition.set_length(length);
    rendition.set_length_max(limits.text_max);
    return rendition;
}

}  // namespace

const ChannelKind& mastodon_kind() {
    static const ChannelKind kind{
        .kind = "mastodon",
        .traits = {.repeats = Repeats::by_key,
                   .key_lifetime = std::chrono::minutes{50},
                   // A busy server may take half a minute, long after a proxy gave up on it.
                   .carried_out_within = std::chrono::minutes{1},
                   .can_be_queried = true,
                   .public_from_claim = false,
                   .one_per_agency = false,
                   .retraction_replies = true,
                   .parts = Parts::one_per_language,
                   .transport = Transport::http,
                   .address = Address::url,
                   .credential = CredentialForm::token},
        .limits = {.text_max = 500, .unit = "characters"},
        .count = mastodon_length,
        .render = render,
    };
    return kind;
}

}  // namespace tocsin::content
