#include "sim/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::sim {

Request::Request(runtime::Submission asked, int of_partition)
    : submission(std::move(asked)),
      partition(of_partition),
      key(runtime::request_key(submission.asking.realm, submission.asking.actor,
                               submission.asking.request_id)),
      digest(
          runtime::body_digest(submission.asking.agency, submission.body, submission.expires_at)) {}

Request& Requests::add(Request request) {
    std::string name = request.name();
    const auto [place, added] = all_.emplace(name, std::move(request));
    if (added) order_.push_back(std::move(name));
    return place->second;
}

void Requests::told(const std::string& name, const runtime::Answer& given, const Oracle& oracle,
                    bool history_lost) {
    const auto place = all_.find(name);
    if (place == all_.end()) return;
    Request& request = place->second;
    const bool rejected = given.kind == runtime::Answer::Kind::rejected;
    const Time expires_at = request.submission.expires_at;
    const Settled told{given.position.offset, request.digest, expires_at,
                       rejected ? given.rejection.code : "", given.subject};
    if (given.position.partition != request.partition)
        throw Violation("a caller was told of another partition");
    const bool first = !request.answer;
    const std::optional<Settled> before = std::exchange(request.answer, told);
    if (history_lost) return;
    const auto* settled = oracle.settled(request.key);
    const bool counts = settled != nullptr && std::ranges::any_of(*settled, [&](const auto& one) {
                            return one.offset == told.offset && one.digest == told.digest &&
                                   one.code == told.code && one.subject == told.subject;
                        });
    if (!counts) throw Violation("a caller was told what does not count");
    // Once expired it may be forgotten; then it is refused, not executed, whatever it was before.
    const bool late = rejected && (given.decided_at > expires_at || oracle.overridden());
    if (first || before->offset == told.offset || late || request.answered_late) {
        request.answered_late |= late;
        return;
    }
    throw Violation(fmt::format("a retry was answered '{}' of {}, the first attempt '{}' of {}",
                                told.code, told.offset, before->code, before->offset));
}

bool Requests::all_answered() const {
    return std::ranges::all_of(all_, [](const auto& one) { return one.second.answer.has_value(); });
}

void Requests::check(const Oracle& oracle, int partition) const {
    for (const auto& [name, request] : all_) {
        if (request.partition != partition) continue;
        const auto* settled = oracle.settled(request.key);
        const bool found =
            settled != nullptr && request.answer &&
            std::ranges::any_of(*settled, [&](const Settled& one) {
                return one.offset == request.answer->offset && one.code == request.answer->code;
            });
        if (!found) throw Violation("an answer is not in the ledger");
    }
}

}  // namespace tocsin::sim
