// The table of channel kinds, made of the files in channels/ (cmake/kinds.cmake).
#include "content/channel.hpp"

#include "channel_kinds.inc"

#include <algorithm>
#include <array>

namespace tocsin::content {

#define TOCSIN_DECLARE(name) const ChannelKind& name##_kind();
TOCSIN_CHANNEL_KINDS(TOCSIN_DECLARE)
#undef TOCSIN_DECLARE

std::span<const ChannelKind> all_kinds() {
#define TOCSIN_ENTRY(name) name##_kind(),
    static const std::array kinds{TOCSIN_CHANNEL_KINDS(TOCSIN_ENTRY)};
#undef TOCSIN_ENTRY
    return kinds;
}

const ChannelKind* find_kind(std::string_view kind) {
    const auto found = std::ranges::find(all_kinds(), kind, &ChannelKind::kind);
    return found == all_kinds().end() ? nullptr : &*found;
}

const Traits& traits_of(std::string_view kind) {
    static const Traits careful{.can_be_queried = false,
                                .public_from_claim = false,
                                .one_per_agency = false,
                                .corrections_reply = false,
                                .parts = Parts::one,
                                .transport = Transport::http,
                                .address = Address::url,
                                .credential = CredentialForm::token};
    const ChannelKind* known = find_kind(kind);
    return known ? known->traits : careful;
}

std::vector<std::string> languages_of(Parts parts, const Content& content) {
    std::vector<std::string> all;
    switch (parts) {
        case Parts::one:
            all.emplace_back();
            break;
        case Parts::one_per_language:
            for (const Text& text : content.draft().texts()) all.push_back(text.language());
            break;
    }
    return all;
}

}  // namespace tocsin::content
