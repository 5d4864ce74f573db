#include "publishing/channel.hpp"

#include "content/channel.hpp"
#include "content/content.hpp"
#include "publishing/limits.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

// Of one agency, with those that were removed.
static constexpr std::ptrdiff_t channels_known_max = 200;

std::shared_ptr<const v1::Channel> shared_channel(const Channels& channels, const std::string& id) {
    const auto known = channels.by_id.find(id);
    return known == channels.by_id.end() ? nullptr : known->second.shared;
}

std::string account_of(const v1::Channel& channel) {
    // No blank is in a URL.
    return channel.url() + " " + channel.credential();
}

// ---- commands

static Happened channel_answer(const Channels& channels, const std::string& id,
                               std::vector<v1::Event> events) {
    const auto known = channels.by_id.find(id);
    const std::int64_t before = known == channels.by_id.end() ? 0 : known->second.version;
    std::string etag = fmt::format("{}", before + std::ssize(events));
    return {std::move(events), id, std::move(etag)};
}

static Rejection bad(std::string code, std::string text, std::string field) {
    return {Because::invalid_argument, std::move(code), std::move(text), std::move(field)};
}

// Whether requests can be sent there.
static bool is_reached(content::Transport transport, std::string_view url) {
    switch (transport) {
        case content::Transport::none:
            break;
        case content::Transport::http:
            return url.starts_with("https://") || url.starts_with("http://");
    }
    return false;
}

static std::optional<Rejection> require_fitting_url(const content::Traits& traits,
                                                    const std::string& kind,
                                                    const std::string& url) {
    if (traits.address == content::Address::none) {
        if (url.empty()) return std::nullopt;
        return bad("url_not_wanted",
                   fmt::format("Tocsin itself serves a `{}` channel; leave the URL empty", kind),
                   "url");
    }
    if (!is_reached(traits.transport, url))
        return bad(
            "url_missing",
            fmt::format("a `{}` channel needs a URL; give it one that begins with https://", kind),
            "url");
    return runtime::require_plain_url(url);
}

std::optional<Rejection> require_place(const v1::PutChannelRequest& request) {
    const content::Traits& traits = content::traits_of(request.kind());
    if (auto no = require_fitting_url(traits, request.kind(), request.url())) return no;
    const bool wanted = traits.credential != content::CredentialForm::none;
    if (wanted && !traits.credential_optional && request.credential().empty())
        return bad(
            "credential_missing",
            fmt::format("a `{}` channel needs a credential; name the one that is stored for it",
                        request.kind()),
            "credential");
    if (!wanted && !request.credential().empty())
        return bad("credential_not_wanted",
                   fmt::format("a `{}` channel has no credential; leave it empty", request.kind()),
                   "credential");
    return std::nullopt;
}

static std::optional<Rejection> require_clear_budget(const v1::PutChannelRequest& request) {
    if (request.budget_posts() == 0 && request.budget_seconds() == 0 &&
        request.budget_reserve() == 0)
        return std::nullopt;
    if (content::traits_of(request.kind()).transport == content::Transport::none)
        return bad("budget_unclear", "Tocsin itself shows this kind of channel; give it no budget",
                   "budget_posts");
    if (request.budget_posts() == 0 || request.budget_seconds() == 0)
        return bad("budget_unclear",
                   "a budget is a number of posts in a number of seconds; give both",
                   request.budget_posts() == 0 ? "budget_posts" : "budget_seconds");
    if (request.budget_reserve() >= request.budget_posts())
        return bad("budget_unclear",
                   "the reserve would leave nothing for other messages; keep fewer posts",
                   "budget_reserve");
    return std::nullopt;
}

static std::optional<Rejection> require_known_kind(const std::string& kind) {
    if (content::find_kind(kind)) return std::nullopt;
    std::vector<std::string_view> known;
    for (const content::ChannelKind& one : content::all_kinds()) known.push_back(one.kind);
    return bad("unknown_kind",
               fmt::format("there is no channel kind `{}`; choose one of `{}`", kind,
                           fmt::join(known, "`, `")),
               "kind");
}

// Most deliveries that a message may have on a channel.
static int deliveries_on(const std::string& kind, int languages) {
    const content::Parts parts = content::traits_of(kind).parts;
    switch (parts) {
        case content::Parts::one:
            break;
        case content::Parts::one_per_language:
            return languages > 0 ? languages : content::languages_max;
    }
    return 1;
}

// Whether one decision can still plan a release on every channel, with the requested one among
// them, and the other agencies have room for theirs. A channel that adds no delivery is always
// taken.
static std::optional<Rejection> require_room_for_deliveries(const Channels& channels,
                                                            const v1::PutChannelRequest& request,
                                                            std::string_view agency) {
    int all = 0, own = 0, added = deliveries_on(request.kind(), request.languages_size());
    for (const auto& [id, known] : channels.by_id) {
        if (!known.channel.active()) continue;
        const int number = deliveries_on(known.channel.kind(), known.channel.languages_size());
        all += number;
        if (known.channel.agency_id() == agency) own += number;
        if (id == request.channel_id()) added -= number;
    }
    const bool own_fit = own + added <= deliveries_of_agency_max;
    if (added <= 0 || (own_fit && all + added <= deliveries_max)) return std::nullopt;
    return runtime::no_room(
        "too_many_channels",
        {.of = "a message",
         .bound = static_cast<std::size_t>(own_fit ? deliveries_max : deliveries_of_agency_max),
         .things = own_fit ? "deliveries" : "deliveries of your agency",
         .remedy = "remove channels, or name the languages that they carry",
         .field = {},
         .wanted = static_cast<std::size_t>(added + (own_fit ? all : own))});
}

// Counted for each agency, so that none takes the place of another by putting and removing.
static std::optional<Rejection> require_room_for_channel(const Channels& channels,
                                                         const std::string& id,
                                                         std::string_view agency) {
    if (channels.by_id.contains(id)) return std::nullopt;
    const auto number = std::ranges::count_if(channels.by_id, [&](const auto& entry) {
        return entry.second.channel.agency_id() == agency;
    });
    if (number < channels_known_max) return std::nullopt;
    return runtime::no_room("too_many_channels", {.of = "your agency",
                                                  .bound = channels_known_max,
                                                  .things = "channels, counting removed ones",
                                                  .remedy = "put one of those again under its id",
                                                  .field = "channel_id"});
}

static std::optional<Rejection> require_one_per_agency(const Channels& channels,
                                                       const v1::PutChannelRequest& request,
                                                       const std::string& agency) {
    if (!content::traits_of(request.kind()).one_per_agency) return std::nullopt;
    for (const auto& [id, other] : channels.by_id)
        if (other.channel.kind() == request.kind() && other.channel.active() &&
            other.channel.agency_id() == agency && id != request.channel_id())
            return Rejection{Because::failed_precondition, "kind_taken",
                             fmt::format("agency `{}` may have one `{}` channel and has `{}`; "
                                         "change that one, or remove it first",
                                         agency, request.kind(), id),
                             "kind"};
    return std::nullopt;
}

static std::optional<Rejection> require_sound_channel(const Channels& channels,
                                                      const Asking& asking,
                                                      const v1::PutChannelRequest& request) {
    if (auto no = require_known_kind(request.kind())) return no;
    if (auto no = require_place(request)) return no;
    if (auto no = require_clear_budget(request)) return no;
    if (auto no = require_room_for_deliveries(channels, request, asking.agency)) return no;
    if (auto no = require_room_for_channel(channels, request.channel_id(), asking.agency))
        return no;
    return require_one_per_agency(channels, request, asking.agency);
}

Verdict put_channel(const Channels& channels, const Asking& asking,
                    const v1::PutChannelRequest& request) {
    const std::string& id = request.channel_id();
    if (auto no = runtime::require_role(asking, {"admin"})) return std::unexpected(*no);
    const auto known = channels.by_id.find(id);
    if (known != channels.by_id.end())
        if (auto no = runtime::require_owner(asking, "channel", id,
                                             known->second.channel.agency_id(), "channel_id"))
            return std::unexpected(*no);
    if (auto no = require_sound_channel(channels, asking, request)) return std::unexpected(*no);

    v1::Event event;
    v1::Channel& channel = *event.mutable_channel_put()->mutable_channel();
    channel.set_channel_id(id);
    channel.set_agency_id(asking.agency);
    channel.set_kind(request.kind());
    channel.set_name(request.name());
    channel.set_url(request.url());
    channel.set_credential(request.credential());
    *channel.mutable_languages() = request.languages();
    channel.set_active(true);
    channel.set_budget_posts(request.budget_posts());
    channel.set_budget_seconds(request.budget_seconds());
    channel.set_budget_reserve(request.budget_reserve());
    if (known != channels.by_id.end() && MessageDifferencer::Equals(known->second.channel, channel))
        return channel_answer(channels, id, {});
    return channel_answer(channels, id, {std::move(event)});
}

Verdict remove_channel(const Channels& channels, const Asking& asking,
                       const v1::RemoveChannelRequest& request) {
    const std::string& id = request.channel_id();
    if (auto no = runtime::require_role(asking, {"admin"})) return std::unexpected(*no);
    const auto known = channels.by_id.find(id);
    if (known == channels.by_id.end())
        return std::unexpected(runtime::no_such("channel", id, "channel_id"));
    if (auto no = runtime::require_owner(asking, "channel", id, known->second.channel.agency_id(),
                                         "channel_id"))
        return std::unexpected(*no);
    if (!known->second.channel.active()) return channel_answer(channels, id, {});
    v1::Event event;
    event.mutable_channel_removed()->set_channel_id(id);
    return channel_answer(channels, id, {std::move(event)});
}

// ---- events

const std::string& channel_of(const v1::Event& event) {
    if (event.has_channel_put()) return event.channel_put().channel().channel_id();
    // Empty in the event that every other one has in its place.
    return event.channel_removed().channel_id();
}

void evolve(NumberedChannel& known, const v1::Event& event) {
    if (event.has_channel_put())
        known.channel = event.channel_put().channel();
    else if (event.has_channel_removed())
        known.channel.set_active(false);
    else
        return;
    ++known.version;
    known.shared = std::make_shared<const v1::Channel>(known.channel);
}

void evolve(Channels& channels, const v1::Event& event) {
    const std::string& id = channel_of(event);
    if (event.has_channel_put() || channels.by_id.contains(id)) evolve(channels.by_id[id], event);
}

}  // namespace tocsin::publishing
