// `feed`: Tocsin's own public feed, one CAP file with every language.
#include "content/cap.hpp"
#include "content/channel.hpp"

#include <fmt/format.h>

namespace tocsin::content {
namespace {

int64_t count(std::string_view text) { return std::ssize(text); }

// The fixed values come from the release, not from the author: a bad one is our own mistake, and
// better found when the release is armed than by the receivers.
std::expected<void, Finding> check_fixed(const Fixed& fixed) {
    const auto refuse = [](std::string code, std::string field, std::string text) {
        return std::unexpected{
            Finding{Finding::Level::error, std::move(code), std::move(field), std::move(text)}};
    };
    if (!is_cap_name(fixed.identifier()))
        return refuse("bad_identifier", "fixed.identifier",
                      "The alert identifier must not be empty or contain blanks, commas, < or &.");
    if (!is_cap_name(fixed.sender()))
        return refuse("bad_sender", "fixed.sender",
                      "The sender must not be empty or contain blanks, commas, < or &.");
    if (!is_cap_time(fixed.sent()))
        return refuse("bad_sent", "fixed.sent",
                      "The time of sending must have whole seconds and a numeric offset.");
    if (fixed.retraction() && !fixed.has_retracts())
        return refuse("nothing_retracted", "fixed.retracts",
                      "A retraction on the feed must name the alert that it cancels.");
    return {};
}

std::expected<Rendition, Finding> render(const Content& content, std::string_view,
                                         const Fixed& fixed, const Limits& limits) {
    if (auto good = check_fixed(fixed); !good) return std::unexpected{good.error()};
    // Areas stand there once for each language: a draft of 65 kB can become 6 MB, which take long
    // to write and which nobody sends.
    if (const std::size_t least = cap_bytes_least(content, fixed); least > rendition_bytes_max)
        return std::unexpected{Finding{
            Finding::Level::error, "too_large", "areas",
            fmt::format("On `feed` it has more than {} bytes, of which {} can be sent: make the "
                        "areas simpler, or write fewer languages.",
                        least, rendition_bytes_max)}};
    Rendition rendition;
    rendition.set_body(cap_xml(content, fixed));
    rendition.set_media_type("application/cap+xml");
    rendition.set_length(count(rendition.body()));
    rendition.set_length_max(limits.text_max);
    return rendition;
}

}  // namespace

const ChannelKind& feed_kind() {
    static const ChannelKind kind{
        .kind = "feed",
        .traits = {.repeats = Repeats::exact,
                   .can_be_queried = true,
                   .public_from_claim = true,
                   // Two would each show an alert of one identifier, of which the public may see
                   // only one.
                   .one_per_agency = true,
                   .corrections_reply = false,
                   .parts = Parts::one,
                   .transport = Transport::none,
                   .address = Address::none,
                   .credential = CredentialForm::certificate,
                   .credential_optional = true},
        .limits = {.text_max = 0, .unit = "bytes"},
        .count = count,
        .render = render,
    };
    return kind;
}

}  // namespace tocsin::content
