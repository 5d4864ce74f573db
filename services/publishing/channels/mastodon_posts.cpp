#include "publishing/channels/mastodon_posts.hpp"

#include <absl/time/time.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace tocsin::publishing {

using nlohmann::json;

// Clocks differ between us and the server.
static constexpr Duration clock_difference = std::chrono::minutes{5};

static void append_utf8(std::string& text, uint32_t code) {
    const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            put(0xE0 | code >> 12);
        } else {
            put(0xF0 | (code >> 18 & 7));
            put(0x80 | (code >> 12 & 63));
        }
        put(0x80 | (code >> 6 & 63));
    }
    put(0x80 | (code & 63));
}

// Decodes the entity at the start of `rest`; returns how many bytes it took, 0 for none.
static std::size_t decode_entity(std::string_view rest, std::string& text) {
    static constexpr std::pair<std::string_view, char> named[] = {
        {"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
        {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
    for (const auto& [name, character] : named)
        if (rest.starts_with(name)) return text += character, name.size();
    const auto end = rest.find(';');
    if (!rest.starts_with("&#") || end == std::string_view::npos || end > 10) return 0;
    const bool hexadecimal = rest.size() > 2 && (rest[2] == 'x' || rest[2] == 'X');
    const char* first = rest.data() + (hexadecimal ? 3 : 2);
    uint32_t code = 0;
    const auto [stop, error] =
        std::from_chars(first, rest.data() + end, code, hexadecimal ? 16 : 10);
    if (error != std::errc{} || stop != rest.data() + end || code > 0x10FFFF) return 0;
    append_utf8(text, code);
    return end + 1;
}

std::string bare_text(std::string_view html) {
    std::string text;
    for (std::size_t i = 0; i < html.size();) {
        if (html[i] == '<') {
            const auto end = html.find('>', i);
            if (end == std::string_view::npos) break;
            i = end + 1;
        } else if (const std::size_t taken =
                       html[i] == '&' ? decode_entity(html.substr(i), text) : 0) {
            i += taken;
        } else {
            text += html[i++];
        }
    }
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
    // Servers differ in what they make of blanks that do not break.
    for (std::size_t at = 0; (at = text.find("\xC2\xA0", at)) != std::string::npos;)
        text.erase(at, 2);
    return text;
}

static std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

static bool too_old(const json& post, const Job& job) {
    absl::Time created;
    if (!absl::ParseTime(absl::RFC3339_full, text_of(post, "created_at"), &created, nullptr))
        return false;
    const Time there{std::chrono::microseconds{absl::ToUnixMicros(created)}};
    return there + clock_difference < runtime::from_proto(job.delivery.fixed().fire_at());
}

static bool is_it(const json& post, const Job& job, const std::string& wanted_text,
                  const std::string& language) {
    const std::string html = text_of(post, "content");
    // The same words may have been posted for another flood.
    if (too_old(post, job)) return false;
    if (bare_text(html) == bare_text(wanted_text)) return true;
    // A link is a mark only where it names this very release; the languages share it.
    const content::v1::Fixed& fixed = job.delivery.fixed();
    const bool own_link = !fixed.release_id().empty() &&
                          fixed.permalink().contains(fixed.release_id()) &&
                          (!fixed.retraction() || fixed.permalink().contains("-cancel"));
    const std::string there = text_of(post, "language");
    return own_link && (language.empty() || there == language) && !there.empty() &&
           (html.contains(fixed.permalink()) || bare_text(html).contains(fixed.permalink()));
}

Found find_post(const std::string& statuses_json, const Job& job) {
    const json posts = json::parse(statuses_json, nullptr, false);
    if (!posts.is_array()) return {.reason = "The server's list of posts can not be read."};
    const json body = json::parse(job.body ? job.body->bytes() : std::string{}, nullptr, false);
    const std::string wanted = body.is_object() ? text_of(body, "status") : std::string{};
    const std::string language = body.is_object() ? text_of(body, "language") : std::string{};
    for (const json& post : posts) {
        if (!post.is_object() || !is_it(post, job, wanted, language)) continue;
        return {.kind = Found::Kind::found,
                .reason = {},
                .url = text_of(post, "url"),
                .receipt = text_of(post, "id")};
    }
    return {.kind = Found::Kind::absent, .reason = "The account does not show the post."};
}

}  // namespace tocsin::publishing
