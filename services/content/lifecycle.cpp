#include "content/lifecycle.hpp"

#include <algorithm>

namespace tocsin::content {
namespace {

struct Move {
    Lifecycle from;
    Lifecycle to;
};

using enum Lifecycle;

// Withdraw is the word before clearance, cancel before the claim, retract after it: a message that
// was retracted is cancelled too.
// clang-format off: one move a line
constexpr Move moves[] = {
    {draft, in_review},       // Submitted: from here its text is locked.
    {draft, withdrawn},
    {in_review, draft},       // Changes requested, or taken back.
    {in_review, cleared},
    {in_review, rejected},
    {in_review, withdrawn},
    {in_review, expired},
    {cleared, draft},         // Taken back, or the approval has lapsed.
    {cleared, armed},
    {cleared, rejected},      // Vetoed.
    {cleared, cancelled},
    {cleared, expired},
    {armed, cleared},         // Held.
    {armed, draft},           // Taken back.
    {armed, releasing},       // The claim: from here something may be public.
    {armed, rejected},        // Vetoed.
    {armed, cancelled},
    {armed, expired},
    {releasing, released},
    {releasing, superseded},
    {releasing, cancelled},   // Retracted while some channels were still on their way.
    {releasing, expired},
    {released, superseded},
    {released, cancelled},    // Retracted.
    {cancelled, released},    // A channel has it after all.
    {released, expired},
};
// clang-format on

}  // namespace

bool may_move(Lifecycle from, Lifecycle to) {
    return std::ranges::any_of(
        moves, [&](const Move& move) { return move.from == from && move.to == to; });
}

std::string_view name(Lifecycle lifecycle) {
    switch (lifecycle) {
        case draft:
            return "draft";
        case in_review:
            return "in_review";
        case cleared:
            return "cleared";
        case armed:
            return "armed";
        case releasing:
            return "releasing";
        case released:
            return "released";
        case superseded:
            return "superseded";
        case cancelled:
            return "cancelled";
        case expired:
            return "expired";
        case withdrawn:
            return "withdrawn";
        case rejected:
            return "rejected";
    }
    return "";
}

std::optional<Lifecycle> from_name(std::string_view wanted) {
    for (const Lifecycle lifecycle : all_lifecycles)
        if (name(lifecycle) == wanted) return lifecycle;
    return std::nullopt;
}

}  // namespace tocsin::content
