// `mastodon`: one public post per language on any server with Mastodon's client API; a thread where
// the text is too long for one.
#include "content/channel.hpp"
#include "content/channels/mastodon_cut.hpp"
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

std::string join(const Pieces& parts) {
    return join_parts(
        {parts.marking, parts.headline, parts.description, parts.instruction, parts.permalink});
}

// One post, or those of a thread.
struct Posts {
    std::vector<std::string> texts;
    bool shortened = false;  // without some of the instruction
};

// Without the description, and with as much of the instruction as fits; never without the headline
// or the link.
Posts shorten(Pieces parts, std::string_view language, const Limits& limits) {
    parts.description = {};
    const std::string short_form = join(parts);
    if (fits_post(short_form, limits)) return {{short_form}};
    const std::string instruction = std::move(parts.instruction);
    const auto with = [&](const Beginning& part) {
        parts.instruction = fmt::format("{}{}", part.text, part.sentences ? " …" : "…");
        return join(parts);
    };
    const Beginning part = cut_text(
        instruction, language, [&](const Beginning& one) { return fits_post(with(one), limits); });
    // No room for any part of the instruction: the author has to shorten the text.
    return {{part.text.empty() ? short_form : with(part)}, true};
}

// What people should do comes first in a thread: that is what is read and passed on.
Posts make_posts(const Content& content, const Text& text, const Fixed& fixed,
                 const Limits& limits) {
    Pieces parts{.marking = marking(content),
                 .headline = trim(text.headline()),
                 .description = trim(text.description()),
                 .instruction = std::string{trim(text.instruction())},
                 .permalink = fixed.permalink()};
    std::string words = join_parts({parts.instruction, parts.description});
    std::string_view heading = parts.headline;
    const int other = find_channel_text(text, "mastodon");
    if (other >= 0) {
        // The author's own words, whole. The link stays: by it the post is found again.
        words = parts.instruction = trim(text.channel_texts(other).text());
        parts.headline = parts.description = heading = {};
        if (words.contains(fixed.permalink())) parts.permalink = {};
    }
    std::string whole = join(parts);
    if (fits_post(whole, limits)) return {{std::move(whole)}};
    auto thread = make_thread({.marking = parts.marking,
                               .heading = heading,
                               .heading_later = trim(text.headline()),
                               .text = words,
                               .permalink = parts.permalink,
                               .language = text.language()},
                              limits);
    if (!thread.empty()) return {std::move(thread)};
    if (other >= 0) return {{std::move(whole)}};
    return shorten(std::move(parts), text.language(), limits);
}

bool shortens(const Content& content, std::string_view language, const Fixed& fixed,
              const Limits& limits) {
    const Texts& texts = said(content, fixed);
    const int index = find_text(texts, language);
    return index >= 0 && make_posts(content, texts[index], fixed, limits).shortened;
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
    nlohmann::ordered_json posts = nlohmann::json::array();
    int64_t length = 0;
    for (const std::string& one : make_posts(content, texts[index], fixed, limits).texts) {
        posts.push_back(printable(one));
        length = std::max(length, mastodon_length(posts.back().get<std::string>()));
    }
    if (limits.text_max > 0 && length > limits.text_max)
        return std::unexpected{
            too_long(fmt::format("{}[{}]", field, index), texts[index], length, limits)};
    nlohmann::ordered_json body{
        {"status", posts[0]}, {"language", primary_language(language)}, {"visibility", "public"}};
    if (!fixed.in_reply_to().empty()) body["in_reply_to_id"] = printable(fixed.in_reply_to());
    // For the wire part, which sends each as an answer to the one before.
    if (posts.size() > 1) {
        posts.erase(posts.begin());
        body["thread"] = std::move(posts);
    }
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
                   .corrections_reply = true,
                   .parts = Parts::one_per_language,
                   .transport = Transport::http,
                   .address = Address::url,
                   .credential = CredentialForm::token},
        .limits = {.text_max = 500, .unit = "characters"},
        .count = mastodon_length,
        .render = render,
        .shortens = shortens,
    };
    return kind;
}

}  // namespace tocsin::content
