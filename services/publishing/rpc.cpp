#include "publishing/rpc.hpp"

#include "runtime/host/clock.hpp"

#include "content/channel.hpp"
#include "publishing/channel.hpp"
#include "publishing/limits.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/edge/errors.hpp"
#include "runtime/edge/page.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using runtime::Caller;
using runtime::no_such;
using runtime::status_of;

std::optional<grpc::Status> require_credential(Credentials& credentials, const Caller& caller,
                                               const v1::PutChannelRequest& request) {
    // What needs none, or is refused by the decider, with a field of its own.
    const content::Traits& traits = content::traits_of(request.kind());
    const bool none = traits.credential == content::CredentialForm::none ||
                      (traits.credential_optional && request.credential().empty());
    if (none || !content::find_kind(request.kind()) || require_place(request)) return std::nullopt;
    const auto credential = credentials.load(request.credential(), {.kind = request.kind(),
                                                                    .realm = caller.realm,
                                                                    .agency = caller.agency,
                                                                    .url = request.url()});
    if (credential) return std::nullopt;
    return status_of({runtime::Because::failed_precondition, "credential_refused",
                      credential.error(), "credential"});
}

std::optional<grpc::Status> require_allowed(const OffLimits& off_limits,
                                            const v1::PutChannelRequest& request) {
    if (!off_limits || request.url().empty()) return std::nullopt;
    const std::string why = off_limits(request.url());
    if (why.empty()) return std::nullopt;
    return status_of({runtime::Because::failed_precondition, "live_host",
                      fmt::format("A channel of an exercise cannot lead there: {}.", why), "url"});
}

// Where another agency's channel leads, and by what, is its own business: some URLs are secrets.
static void hide_others(const Caller& caller, v1::Channel& channel) {
    if (channel.agency_id() == caller.agency) return;
    channel.clear_url();
    channel.clear_credential();
}

grpc::Status list_channels(const Caller& caller, const Realm& realm,
                           const v1::ListChannelsRequest& in, v1::ListChannelsResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_channels(), [&](auto& page) {
        realm.channels().ascend(page.after(),
                                [&](const std::string& id, const NumberedChannel& known) {
                                    return page.add(id, [&](v1::Channel& row) {
                                        row = known.channel;
                                        hide_others(caller, row);
                                    });
                                });
    });
}

static grpc::Status show(const Release& release, const std::string& delivery_id, v1::Release& out) {
    if (delivery_id.empty()) {
        out = release.whole();
        return grpc::Status::OK;
    }
    const Delivery* delivery = release.find(delivery_id);
    if (!delivery) return status_of(no_such("delivery", delivery_id, "delivery_id"));
    out = release.head;
    *out.add_deliveries() = release.whole(*delivery);
    return grpc::Status::OK;
}

static grpc::Status show(v1::Release whole, const std::string& delivery_id, v1::Release& out) {
    out = std::move(whole);
    if (delivery_id.empty()) return grpc::Status::OK;
    auto& deliveries = *out.mutable_deliveries();
    const auto others = std::remove_if(
        deliveries.begin(), deliveries.end(),
        [&](const v1::Delivery& delivery) { return delivery.delivery_id() != delivery_id; });
    deliveries.erase(others, deliveries.end());
    if (deliveries.empty()) return status_of(no_such("delivery", delivery_id, "delivery_id"));
    return grpc::Status::OK;
}

// People of the agencies that it names see where it goes; a duty officer of another agency in the
// incident sees how its deliveries ended.
static void hide_places(const Caller& caller, v1::Release& release) {
    if (texts::contains(release.agencies(), caller.agency)) return;
    for (v1::Delivery& delivery : *release.mutable_deliveries())
        if (delivery.has_channel()) hide_others(caller, *delivery.mutable_channel());
}

// Its account has no room for what is armed.
static void show_budget(const Realm& realm, v1::Release& release, Time now) {
    const Release* known = realm.release(release.release_id());
    if (!known || realm.budgets().claims.empty()) return;
    const Spending spending{realm.budgets(), now};
    for (v1::Delivery& shown : *release.mutable_deliveries()) {
        const Delivery* delivery = known->find(shown.delivery_id());
        if (!delivery || !delivery->is(v1::DELIVERY_STATE_ARMED)) continue;
        const auto until = spending.full_until(*known, *delivery);
        if (!until || *until <= runtime::from_proto(shown.next_action_at())) continue;
        *shown.mutable_next_action_at() = runtime::to_proto(*until);
        if (shown.reason().empty())
            shown.set_reason(fmt::format(
                "Its account has posted as much as its budget of {} posts in {} s "
                "allows such a message.",
                delivery->channel->budget_posts(), delivery->channel->budget_seconds()));
    }
}

// What keeps it back, of what could be claimed otherwise or once its channel is ready.
static void show_holds(const Holds& holds, v1::Release& release) {
    if (holds.in_force.empty()) return;
    for (v1::Delivery& delivery : *release.mutable_deliveries()) {
        if (delivery.state() != v1::DELIVERY_STATE_ARMED && !is_unarmed(delivery.state())) continue;
        const v1::Hold* hold = holds.on(delivery);
        if (!hold) continue;
        delivery.set_hold_id(hold->hold_id());
        if (delivery.next_action() == v1::NEXT_ACTION_SEND) {
            delivery.set_next_action(v1::NEXT_ACTION_LIFT_HOLD);
            *delivery.mutable_next_action_at() = hold->until();
        }
        if (delivery.reason().empty())
            delivery.set_reason(
                shortened(fmt::format("`{}` holds it: {}", hold->placed_by(), hold->reason()),
                          reason_bytes_max));
    }
}

grpc::Status get_release(const Caller& caller, const Realm& realm, const v1::GetReleaseRequest& in,
                         v1::GetReleaseResponse& out) {
    const bool by_id = !in.release_id().empty();
    const std::string* id = by_id ? &in.release_id() : realm.release_of_message(in.message_id());
    const Release* release = id ? realm.release(*id) : nullptr;
    auto faded = id && !release ? realm.whole_release(*id) : std::nullopt;
    if (!release && !faded)
        return status_of(by_id ? no_such("release", in.release_id(), "release_id")
                               : no_such("release of message", in.message_id(), "message_id"));
    if (!runtime::concerns(caller, realm.parties(*id)))
        return status_of(runtime::not_concerned(caller, by_id ? "release_id" : "message_id"));
    v1::Release& shown = *out.mutable_release();
    auto status = release ? show(*release, in.delivery_id(), shown)
                          : show(std::move(*faded), in.delivery_id(), shown);
    show_budget(realm, shown, runtime::system_now());
    show_holds(realm.holds(), shown);
    hide_places(caller, shown);
    return status;
}

static grpc::Status list_releases(const Caller& caller, const Realm& realm,
                                  const v1::ListReleasesRequest& in,
                                  v1::ListReleasesResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_releases(), [&](auto& page) {
        const std::optional<std::int64_t> before =
            page.after() ? std::optional{std::stoll(*page.after())} : std::nullopt;
        realm.order().descend(before ? &*before : nullptr,
                              [&](std::int64_t place, const std::string& id) {
                                  if (!runtime::concerns(caller, realm.parties(id)))
                                      return page.pass(place);
                                  return page.add(place, [&](v1::Release& row) {
                                      row = realm.whole_release(id).value_or(v1::Release{});
                                      show_budget(realm, row, runtime::system_now());
                                      show_holds(realm.holds(), row);
                                      hide_places(caller, row);
                                  });
                              });
    });
}

static grpc::Status list_holds(const Caller&, const Realm& realm, const v1::ListHoldsRequest& in,
                               v1::ListHoldsResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_holds(), [&](auto& page) {
        bool begun = page.after() == nullptr;
        for (const v1::Hold* hold : listed(realm.holds())) {
            if (begun && !page.add(hold->hold_id(), [&](v1::Hold& row) { row = *hold; })) return;
            begun = begun || hold->hold_id() == *page.after();
        }
    });
}

// Another change may count within the same second, and be read here a moment after it counted: the
// time is given once nothing else can have it.
static std::optional<Time> modified_at(Time changed, Time now) {
    constexpr std::chrono::seconds settled{2};
    const Time at = std::chrono::floor<std::chrono::seconds>(changed) + settled;
    return at <= now ? std::optional{at} : std::nullopt;
}

// Compared before anything is copied.
template <class Request, class Response>
static void answer_with(const Request& in, const std::string& body, const std::string& etag,
                        std::optional<Time> modified, Response& out) {
    out.set_etag(etag);
    if (modified) *out.mutable_modified_at() = runtime::to_proto(*modified);
    if (std::ranges::find(in.known_etags(), etag) != in.known_etags().end())
        out.set_not_modified(true);
    else
        out.set_body(body);
}

static content::FeedFormat format_of(v1::FeedFormat format) {
    switch (format) {
        case v1::FEED_FORMAT_RSS:
            return content::FeedFormat::rss;
        case v1::FEED_FORMAT_GEOJSON:
            return content::FeedFormat::geojson;
        case v1::FEED_FORMAT_UNSPECIFIED:
        case v1::FEED_FORMAT_ATOM:
        case v1::FeedFormat_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::FeedFormat_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return content::FeedFormat::atom;
}

grpc::Status PublishingRpc::get_feed(const v1::GetFeedRequest& in, v1::GetFeedResponse& out) {
    const std::string language = in.language().empty() ? "en-CA" : in.language();
    const int number = in.page() == 0 ? 1 : in.page();
    const Time now = runtime::system_now();
    const auto page =
        feeds_.page(in.realm(), {language, format_of(in.format())}, number, feed_base_url_, now);
    if (!page) return status_of(no_such("feed page", std::to_string(number), "page"));
    answer_with(in, page->body, page->etag, modified_at(page->updated, now), out);
    return grpc::Status::OK;
}

grpc::Status PublishingRpc::get_alert(const v1::GetAlertRequest& in,
                                      v1::GetAlertResponse& out) const {
    const Time now = runtime::system_now();
    const auto alert = view_.snapshot(in.realm())->alert(in.identifier(), now);
    // Before its T0 an alert is as unknown as one that never was.
    if (!alert || !alert->body) return status_of(no_such("alert", in.identifier(), "identifier"));
    answer_with(in, alert->body->bytes(), alert->body->digest(),
                modified_at(alert->public_at(), now), out);
    return grpc::Status::OK;
}

PublishingRpc::PublishingRpc(runtime::Rpc& rpc, const PublishingView& view,
                             Credentials& credentials, OffLimits off_limits,
                             std::string feed_base_url)
    : Edge(rpc), view_(view), feed_base_url_(std::move(feed_base_url)), feeds_(view) {
    check<v1::PutChannelRequest>(
        [&credentials, off_limits = std::move(off_limits)](const auto& asked, const auto& put) {
            auto refused = require_allowed(off_limits, put);
            return refused ? refused : require_credential(credentials, asked.caller, put);
        });
    read(view, list_channels);
    read(view, get_release);
    read(view, list_releases);
    read(view, list_holds);
    read_public([this](const v1::GetFeedRequest& in, v1::GetFeedResponse& out) {
        return get_feed(in, out);
    });
    read_public([this](const v1::GetAlertRequest& in, v1::GetAlertResponse& out) {
        return get_alert(in, out);
    });
}

}  // namespace tocsin::publishing
