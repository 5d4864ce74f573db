// The pure part of a kind of channel: what it can carry, how it counts, and the bytes it is sent.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

struct Limits {
    int64_t text_max = 0;  // Longest text or body, in `unit`; 0 for none.
    std::string unit;      // What is counted, such as `characters` or `bytes`.
};

// What becomes of a request that is sent again while the first may have been carried out.
enum class Repeats {
    unsafe,  // A second post: it is never sent again, a person is asked.
    by_key,  // None while the server remembers its key (`Traits::key_lifetime`); unsafe from then
             // on.
    exact,   // None, whenever it comes.
};

// What the languages of a message become: one post with all of them, or one post for each.
enum class Parts { one, one_per_language };

// How requests reach it; `none`: Tocsin shows it itself, and no request leaves.
enum class Transport { none, http };

// How the channel is named when it is put.
enum class Address { none, url };

// What its credential holds; `none`: it has no credential.
enum class CredentialForm { none, signing_keys, token, certificate };

// A trait that has no default: a kind that does not state it does not compile.
template <class Value>
struct Stated {
    // NOLINTNEXTLINE(google-explicit-constructor): stated as a plain value.
    constexpr Stated(Value stated) : value(stated) {}
    constexpr operator Value() const { return value; }  // NOLINT(google-explicit-constructor)
    Value value;
};

// All that anybody but its own two files knows of a kind of channel.
struct Traits {
    Repeats repeats = Repeats::unsafe;
    // With `by_key`: how long after its first request, with room for clocks that differ.
    std::chrono::seconds key_lifetime{};
    // How long after it was sent a request may still be carried out, whatever was answered.
    std::chrono::seconds carried_out_within{15};
    // Whether it can be found out what it has. If not, what may have reached it is taken for
    // public.
    Stated<bool> can_be_queried;
    // Shown by Tocsin itself: public from its claim and T0 on, whatever becomes of queries.
    Stated<bool> public_from_claim;
    // An agency has one at most.
    Stated<bool> one_per_agency;
    // What takes a post back or updates it answers it, by its receipt.
    Stated<bool> corrections_reply;
    Stated<Parts> parts;
    Stated<Transport> transport;
    Stated<Address> address;
    Stated<CredentialForm> credential;
    // A channel may do without.
    bool credential_optional = false;
};

// Everything here is pure: the preview in drafting and the release call the same functions.
struct ChannelKind {
    std::string_view kind;
    Traits traits;
    // What holds unless the channel's own server says otherwise; render takes what it says.
    Limits limits;
    // Length of a text in `limits.unit`, as the channel counts it.
    int64_t (*count)(std::string_view text);
    // The exact bytes to send, or the reason why there are none.
    std::expected<Rendition, Finding> (*render)(const Content& content, std::string_view language,
                                                const Fixed& fixed, const Limits& limits);
    // Whether that leaves out some of what people should do; null: it never does.
    bool (*shortens)(const Content& content, std::string_view language, const Fixed& fixed,
                     const Limits& limits) = nullptr;
};

// The kind of that name; null when this version does not know it.
const ChannelKind* find_kind(std::string_view kind);
// Of a kind that this version does not know, the most careful ones.
const Traits& traits_of(std::string_view kind);
std::span<const ChannelKind> all_kinds();

// One rendition for each entry; "" stands for all languages in one body.
std::vector<std::string> languages_of(Parts parts, const Content& content);

}  // namespace tocsin::content
