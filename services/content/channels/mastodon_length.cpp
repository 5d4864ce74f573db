#include "content/channels/mastodon_length.hpp"

#include "content/graphemes.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace tocsin::content {
namespace {

constexpr std::string_view address_stand_in = "xxxxxxxxxxxxxxxxxxxxxxx";  // 23.

bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 && c >= 0; }

bool one_of(char c, std::string_view set) { return set.contains(c); }

size_t span_of(std::string_view text, auto&& belongs) {
    return static_cast<size_t>(std::ranges::find_if_not(text, belongs) - text.begin());
}

// Length of a host name with at least one dot and a top-level domain of letters; 0 for none.
size_t host_size(std::string_view text) {
    size_t size = span_of(text, [](char c) { return is_alnum(c) || one_of(c, ".-"); });
    while (size > 0 && !is_alnum(text[size - 1])) --size;
    const std::string_view host = text.substr(0, size);
    const size_t dot = host.rfind('.');
    if (dot == host.npos || dot == 0 || host.contains("..") || host.size() - dot < 3) return 0;
    const bool letters = std::ranges::all_of(
        host.substr(dot + 1), [](char c) { return !std::isdigit(static_cast<unsigned char>(c)); });
    return letters ? size : 0;
}

size_t scheme_size(std::string_view text) {
    for (const std::string_view known : {"https://", "http://"}) {
        const bool same = text.size() > known.size() &&
                          std::ranges::equal(text.substr(0, known.size()), known, {}, [](char c) {
                              return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                          });
        if (same) return known.size();
    }
    return 0;
}

// Length of the web address that `text` begins with, `scheme` bytes of it before the host; 0 for
// none.
size_t address_size(std::string_view text, size_t scheme) {
    const size_t host = host_size(text.substr(scheme));
    if (host == 0) return 0;
    size_t size = scheme + host;
    if (size + 1 < text.size() && text[size] == ':' && std::isdigit(text[size + 1]))
        size += 1 + span_of(text.substr(size + 1), [](char c) { return c >= '0' && c <= '9'; });
    if (size == text.size() || !one_of(text[size], "/?")) return size;
    // Brackets and what is not ASCII end the path here; Mastodon may go on, and count less.
    size_t path = span_of(text.substr(size),
                          [](char c) { return is_alnum(c) || one_of(c, "/?!*';:=+,.$%#-_~&|@"); });
    while (path > 0 && !is_alnum(text[size + path - 1]) && !one_of(text[size + path - 1], "/=_#+-"))
        --path;
    return size + path;
}

struct Mention {
    size_t user = 0;    // `@user`.
    size_t domain = 0;  // `@domain` behind it.
};

// The full mention that `text` begins with; zeros for none.
Mention mention_size(std::string_view text) {
    if (!text.starts_with('@')) return {};
    const auto in_user = [](char c) { return is_alnum(c) || c == '_'; };
    const size_t user = 1 + span_of(text.substr(1), in_user);
    if (user == 1 || user >= text.size() || text[user] != '@') return {};
    const size_t domain = host_size(text.substr(user + 1));
    return domain == 0 ? Mention{} : Mention{user, domain + 1};
}

}  // namespace

int64_t mastodon_length(std::string_view text) {
    std::string countable;
    for (size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const char before = at == 0 ? ' ' : text[at - 1];
        // Glued to a word, neither counts as what it looks like.
        const bool free = before >= 0 && !is_alnum(before) && !one_of(before, "@$#_/=");
        if (const size_t scheme = scheme_size(rest); scheme > 0) {
            const size_t size = address_size(rest, scheme);
            // Not certainly an address (glued, or a host that is not ASCII): count the longer way.
            const bool certain = free || size < address_stand_in.size();
            countable += certain || size == 0 ? address_stand_in : rest.substr(0, size);
            at += size == 0 ? scheme : size;
        } else if (const Mention mention = mention_size(rest); free && mention.user > 0) {
            countable += rest.substr(0, mention.user);
            at += mention.user + mention.domain;
        } else {
            countable += text[at++];
        }
    }
    return grapheme_count(countable);
}

}  // namespace tocsin::content
