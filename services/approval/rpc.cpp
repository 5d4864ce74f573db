#include "approval/rpc.hpp"

#include "approval/review_steps.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/edge/page.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>

#include <optional>
#include <ranges>

namespace tocsin::approval {

using runtime::Caller;
using Reactor = ApprovalRpc::Reactor;

Reactor* ApprovalRpc::GetRoster(Context* context, const v1::GetRosterRequest* request,
                                v1::GetRosterResponse* response) {
    return read(view_, context, request, response,
                [](const Caller&, const Realm& realm, const auto&, auto& out) {
                    *out.mutable_roster() = realm.roster();
                    return grpc::Status::OK;
                });
}

// Agency ids have no space in them.
static std::string key_text(const Realm::PolicyKey& key) {
    return fmt::format("{} {}", key.first, key.second);
}

static Realm::PolicyKey key_of(const std::string& text) {
    const auto space = text.find(' ');
    return {text.substr(0, space), std::stoi(text.substr(space + 1))};
}

Reactor* ApprovalRpc::ListPolicies(Context* context, const v1::ListPoliciesRequest* request,
                                   v1::ListPoliciesResponse* response) {
    const auto reader = [](const Caller&, const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_policies(), [&](auto& page) {
            std::optional<Realm::PolicyKey> after;
            if (page.after()) after = key_of(*page.after());
            realm.policies(after ? &*after : nullptr, [&](const auto& key, const auto& policy) {
                return page.add(key_text(key), [&](v1::Policy& row) { row = policy; });
            });
        });
    };
    return read(view_, context, request, response, reader);
}

static bool concerns(const Caller& caller, const v1::Review& review) {
    const auto of = [](const v1::AgencyReview& agency) { return agency.agency_id(); };
    return runtime::concerns(caller, review.agencies() | std::views::transform(of),
                             review.incident_agencies());
}

// As in drafting: a duty officer of another agency in the incident does not read where it goes.
static void hide_places(const Caller& caller, v1::Review& review) {
    const bool named = std::ranges::any_of(review.agencies(), [&](const v1::AgencyReview& agency) {
        return agency.agency_id() == caller.agency;
    });
    if (!named) review.clear_content();
}

Reactor* ApprovalRpc::GetReview(Context* context, const v1::GetReviewRequest* request,
                                v1::GetReviewResponse* response) {
    const auto reader = [](const Caller& caller, const Realm& realm, const auto& in, auto& out) {
        auto review = realm.review(in.message_id());
        if (!review) return runtime::status_of(no_review(in.message_id()));
        if (!concerns(caller, *review))
            return runtime::status_of(runtime::not_concerned(caller, "message_id"));
        *out.mutable_review() = std::move(*review);
        hide_places(caller, *out.mutable_review());
        return grpc::Status::OK;
    };
    return read(view_, context, request, response, reader);
}

Reactor* ApprovalRpc::ListReviews(Context* context, const v1::ListReviewsRequest* request,
                                  v1::ListReviewsResponse* response) {
    const auto reader = [](const Caller& caller, const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_reviews(), [&](auto& page) {
            realm.reviews(in.state(), page.after_place(),
                          [&](std::int64_t place, const std::string& message_id) {
                              if (!concerns(caller, *realm.review_head(message_id)))
                                  return page.pass(place);
                              return page.add(place, [&](v1::Review& row) {
                                  row = *realm.review(message_id);
                                  hide_places(caller, row);
                              });
                          });
        });
    };
    return read(view_, context, request, response, reader);
}

}  // namespace tocsin::approval
