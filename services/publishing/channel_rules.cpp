#include "content/channel.hpp"
#include "content/content.hpp"
#include "publishing/limits.hpp"
#include "publishing/steps.hpp"

#include <fmt/format.h>

#include <google/protobuf/util/message_differencer.h>

namespace tocsin::publishing {

using runtime::Because;
using runtime::reject;

static Happened channel_answer(const State& state, const std::string& id,
                               std::vector<v1::Event> events) {
    const auto known = state.channels.find(id);
    const int64_t before = known == state.channels.end() ? 0 : known->second.version;
    std::string etag = fmt::format("{}", before + std::ssize(events));
    return {std::move(events), id, std::move(etag)};
}

std::optional<runtime::Rejection> refuse_place(const v1::PutChannelRequest& request) {
    const auto bad = [](std::string code, std::string text, std::string field) {
        return runtime::Rejection{Because::invalid_argument, std::move(code), std::move(text),
                                  std::move(field)};
    };
    const content::Traits& traits = content::traits_of(request.kind());
    const std::string& url = request.url();
    if (traits.address == content::Address::none && !url.empty())
        return bad(
            "url_not_wanted",
            fmt::format("a {} is served by Tocsin itself: leave the URL empty", request.kind()),
            "url");
    if (traits.address == content::Address::url) {
        const auto scheme = url.find("://");
        if (!url.starts_with("https://") && !url.starts_with("http://"))
            return bad("url_missing",
                       fmt::format("a {} channel needs its https URL", request.kind()), "url");
        // The URL is shown to people and in metrics; a secret in it would be shown too.
        const std::string authority =
            url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
        if (authority.empty() || authority.contains('@'))
            return bad(
                "url_with_secret",
                "the URL must name a host and no user: put the secret into the credential file",
                "url");
    }
    const bool wanted = traits.credential != content::CredentialForm::none;
    if (wanted && request.credential().empty())
        return bad("credential_missing",
                   fmt::format("a {} channel needs the name of its credential", request.kind()),
                   "credential");
    if (!wanted && !request.credential().empty())
        return bad("credential_not_wanted",
                   fmt::format("a {} needs no credential: leave it empty", request.kind()),
                   "credential");
    return std::nullopt;
}

// Of one agency: whose a channel was is never forgotten.
static constexpr std::ptrdiff_t channels_known_max = 200;

// Most deliveries that a message may have on a channel.
static int deliveries_on(const std::string& kind, int languages) {
    const content::ChannelKind* known = content::find_kind(kind);
    if (!known || !known->limits.one_language_per_post) return 1;
    return languages > 0 ? languages : content::languages_max;
}

// Whether a release on every channel can still be decided on with the one that is asked for, and
// the other agencies have room for theirs. What adds nothing is always taken.
static std::optional<runtime::Rejection> too_many_deliveries(const State& state,
                                                             const v1::PutChannelRequest& request,
                                                             std::string_view agency) {
    int all = 0, own = 0, added = deliveries_on(request.kind(), request.languages_size());
    for (const auto& [id, known] : state.channels) {
        if (!known.channel.active()) continue;
        const int number = deliveries_on(known.channel.kind(), known.channel.languages_size());
        all += number;
        if (known.channel.agency_id() == agency) own += number;
        if (id == request.channel_id()) added -= number;
    }
    const bool own_fit = own + added <= deliveries_of_agency_max;
    if (added <= 0 || (own_fit && all + added <= deliveries_max)) return std::nullopt;
    return runtime::Rejection{
        Because::resource_exhausted,
        "too_many_channels",
        fmt::format("with it a message could lead to more than {} deliveries{}: remove channels, "
                    "or name the languages that they carry",
                    own_fit ? deliveries_max : deliveries_of_agency_max,
                    own_fit ? "" : " of your agency"),
        {}};
}

static std::ptrdiff_t channels_of(const State& state, std::string_view agency) {
    return std::ranges::count_if(state.channels, [&](const auto& entry) {
        return entry.second.channel.agency_id() == agency;
    });
}

Verdict put_channel(const State& state, const runtime::Asking& asking,
                    const v1::PutChannelRequest& request) {
    if (!asking.has("admin"))
        return reject(Because::permission_denied, "role_missing", "this needs the role admin");
    const auto known = state.channels.find(request.channel_id());
    if (known != state.channels.end() && known->second.channel.agency_id() != asking.agency)
        return reject(Because::permission_denied, "other_agency",
                      fmt::format("channel {} belongs to {}", request.channel_id(),
                                  known->second.channel.agency_id()));
    if (!content::find_kind(request.kind()))
        return reject(Because::invalid_argument, "unknown_kind",
                      fmt::format("there is no channel kind {}", request.kind()), "kind");
    if (auto refusal = refuse_place(request)) return std::unexpected(std::move(*refusal));
    if (auto no = too_many_deliveries(state, request, asking.agency))
        return std::unexpected(std::move(*no));
    // Of each agency: nobody takes another's place by channels that are put and removed.
    if (known == state.channels.end() && channels_of(state, asking.agency) >= channels_known_max)
        return reject(
            Because::resource_exhausted, "too_many_channels",
            fmt::format("an agency has at most {} channels, with those that were removed: "
                        "put one of those again under its id",
                        channels_known_max),
            "channel_id");
    for (const auto& [id, other] : state.channels) {
        // Both would show an alert of one identifier, of which the public may see only one.
        if (content::traits_of(request.kind()).one_per_agency &&
            other.channel.kind() == request.kind() && other.channel.active() &&
            other.channel.agency_id() == asking.agency && id != request.channel_id())
            return reject(
                Because::failed_precondition, "feed_exists",
                fmt::format("{} already has the {} channel {}", asking.agency, request.kind(), id),
                "kind");
    }

    v1::Event event;
    v1::Channel& channel = *event.mutable_channel_put()->mutable_channel();
    channel.set_channel_id(request.channel_id());
    channel.set_agency_id(asking.agency);
    channel.set_kind(request.kind());
    channel.set_name(request.name());
    channel.set_url(request.url());
    channel.set_credential(request.credential());
    *channel.mutable_languages() = request.languages();
    channel.set_active(true);
    using google::protobuf::util::MessageDifferencer;
    if (known != state.channels.end() && MessageDifferencer::Equals(known->second.channel, channel))
        return channel_answer(state, request.channel_id(), {});
    return channel_answer(state, request.channel_id(), {std::move(event)});
}

Verdict remove_channel(const State& state, const runtime::Asking& asking,
                       const v1::RemoveChannelRequest& request) {
    if (!asking.has("admin"))
        return reject(Because::permission_denied, "role_missing", "this needs the role admin");
    const auto known = state.channels.find(request.channel_id());
    if (known == state.channels.end())
        return reject(Because::not_found, "no_such_channel",
                      fmt::format("there is no channel {} in this realm", request.channel_id()),
                      "channel_id");
    if (known->second.channel.agency_id() != asking.agency)
        return reject(Because::permission_denied, "other_agency",
                      fmt::format("channel {} belongs to {}", request.channel_id(),
                                  known->second.channel.agency_id()));
    if (!known->second.channel.active()) return channel_answer(state, request.channel_id(), {});
    v1::Event event;
    event.mutable_channel_removed()->set_channel_id(request.channel_id());
    return channel_answer(state, request.channel_id(), {std::move(event)});
}

}  // namespace tocsin::publishing
