#include "trigger/poller.hpp"

#include <algorithm>
#include <map>

namespace tocsin::trigger {

static bool same_source(const Wanted& a, const Wanted& b) {
    return a.realm == b.realm && a.source.source_id() == b.source.source_id();
}

static bool same_revision(const Wanted& a, const Wanted& b) {
    return same_source(a, b) && a.revision == b.revision;
}

void Poller::refresh(const std::vector<Wanted>& wanted,
                     const std::function<bool(const std::string&)>& whole) {
    polling_.rests.forget_past(polling_.links.tick());
    std::erase_if(loops_, [](const auto& loop) { return loop->ended(); });
    for (auto& loop : loops_) {
        if (loop->replaced()) continue;
        if (std::ranges::none_of(
                wanted, [&](const Wanted& one) { return same_revision(one, loop->wanted()); }))
            loop->replace();
        // No instance polls it any more: its last state must raise no alarm.
        if (std::ranges::none_of(
                wanted, [&](const Wanted& one) { return same_source(one, loop->wanted()); }))
            polling_.health.forget(loop->wanted());
    }
    std::map<Heard::Key, std::int64_t> in_use;
    for (const Wanted& one : wanted)
        in_use.emplace(Heard::Key{one.realm, one.source.source_id()}, one.address);
    polling_.links.heard.keep_only(in_use, whole);
    for (const Wanted& one : wanted) {
        const bool known = std::ranges::any_of(loops_, [&](const auto& loop) {
            return !loop->replaced() && !loop->ended() && same_revision(one, loop->wanted());
        });
        if (!known) start(one);
    }
}

void Poller::start(const Wanted& wanted) {
    auto loop = std::make_unique<SourceLoop>(polling_, wanted);
    for (const auto& before : loops_)
        if (same_source(before->wanted(), wanted) &&
            before->wanted().source.url() == wanted.source.url())
            loop->expect_large(before->large());
    loops_.emplace_back(std::move(loop))->start();
}

}  // namespace tocsin::trigger
