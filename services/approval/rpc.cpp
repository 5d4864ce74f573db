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

static grpc::Status get_roster(const Caller&, const Realm& realm, const v1::GetRosterRequest&,
                               v1::GetRosterResponse& out) {
    *out.mutable_roster() = realm.roster();
    return grpc::Status::OK;
}

// Agency ids have no space in them.
static std::string key_text(const Realm::PolicyKey& key) {
    return fmt::format("{} {}", key.first, key.second);
}

static Realm::PolicyKey key_of(const std::string& text) {
    const auto space = text.find(' ');
    return {text.substr(0, space), std::stoi(text.substr(space + 1))};
}

static grpc::Status list_policies(const Caller&, const Realm& realm,
                                  const v1::ListPoliciesRequest& in,
                                  v1::ListPoliciesResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_policies(), [&](auto& page) {
        std::optional<Realm::PolicyKey> after;
        if (page.after()) after = key_of(*page.after());
        realm.policies(after ? &*after : nullptr, [&](const auto& key, const auto& policy) {
            return page.add(key_text(key), [&](v1::Policy& row) { row = policy; });
        });
    });
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

static grpc::Status get_review(const Caller& caller, const Realm& realm,
                               const v1::GetReviewRequest& in, v1::GetReviewResponse& out) {
    auto review = realm.review(in.message_id());
    if (!review) return runtime::status_of(no_review(in.message_id()));
    if (!concerns(caller, *review))
        return runtime::status_of(runtime::not_concerned(caller, "message_id"));
    *out.mutable_review() = std::move(*review);
    hide_places(caller, *out.mutable_review());
    return grpc::Status::OK;
}

static grpc::Status list_reviews(const Caller& caller, const Realm& realm,
                                 const v1::ListReviewsRequest& in, v1::ListReviewsResponse& out) {
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
}

ApprovalRpc::ApprovalRpc(runtime::Rpc& rpc, const ApprovalView& view) : Edge(rpc) {
    read(view, get_roster);
    read(view, list_policies);
    read(view, get_review);
    read(view, list_reviews);
}

}  // namespace tocsin::approval
