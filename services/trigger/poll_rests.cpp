#include "trigger/poll_rests.hpp"

#include <algorithm>

namespace tocsin::trigger {

PollRests::Address PollRests::address_of(const Wanted& wanted) {
    return {wanted.realm, wanted.source.source_id(), wanted.source.url()};
}

void PollRests::begin(const Wanted& wanted, const Rest& rest) {
    rests_[address_of(wanted)] = {wanted.source.format(), rest};
}

void PollRests::end(const Wanted& wanted) { rests_.erase(address_of(wanted)); }

void PollRests::forget_past(Tick now) {
    std::erase_if(rests_, [now](const auto& entry) {
        const Rest& rest = entry.second.rest;
        return std::max(rest.asked_until, rest.until) <= now;
    });
}

PollRests::Tick PollRests::until(const Wanted& wanted) const {
    const auto found = rests_.find(address_of(wanted));
    if (found == rests_.end()) return Tick{};
    const auto& [format, rest] = found->second;
    return format == wanted.source.format() ? std::max(rest.asked_until, rest.until)
                                            : rest.asked_until;
}

int PollRests::failures(const Wanted& wanted) const {
    const auto found = rests_.find(address_of(wanted));
    const bool same = found != rests_.end() && found->second.format == wanted.source.format();
    return same ? found->second.rest.failures : 0;
}

}  // namespace tocsin::trigger
