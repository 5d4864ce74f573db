#include "publishing/rpc.hpp"

#include "content/content.hpp"
#include "publishing/decider.hpp"

namespace tocsin::publishing {

using runtime::Caller;
using Reactor = PublishingRpc::Reactor;

static const runtime::Rpc::Roles administrators{"admin"};
static const runtime::Rpc::Roles stoppers{"approver", "duty-officer"};

static Time now_time() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

Reactor* PublishingRpc::PutChannel(Context* context, const v1::PutChannelRequest* request,
                                   v1::PutChannelResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, administrators);
}

Reactor* PublishingRpc::RemoveChannel(Context* context, const v1::RemoveChannelRequest* request,
                                      v1::RemoveChannelResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, administrators);
}

Reactor* PublishingRpc::CancelRelease(Context* context, const v1::CancelReleaseRequest* request,
                                      v1::CancelReleaseResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, stoppers);
}

Reactor* PublishingRpc::RetractRelease(Context* context, const v1::RetractReleaseRequest* request,
                                       v1::RetractReleaseResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, stoppers);
}

Reactor* PublishingRpc::ListChannels(Context* context, const v1::ListChannelsRequest* request,
                                     v1::ListChannelsResponse* response) {
    const auto reader = [this](const Caller& caller, const auto&, v1::ListChannelsResponse& out) {
        view_.read(caller.realm, [&](const Realm& realm) {
            for (const auto& [id, known] : realm.state().channels)
                *out.add_channels() = known.channel;
        });
        return grpc::Status::OK;
    };
    return rpc_.read(context, request, response, reader);
}

Reactor* PublishingRpc::GetRelease(Context* context, const v1::GetReleaseRequest* request,
                                   v1::GetReleaseResponse* response) {
    const auto reader = [this](const Caller& caller, const v1::GetReleaseRequest& in,
                               v1::GetReleaseResponse& out) {
        return view_.read(caller.realm, [&](const Realm& realm) {
            const bool by_id = !in.release_id().empty();
            const Release* release =
                by_id ? realm.release(in.release_id()) : realm.release_of_message(in.message_id());
            if (!release)
                return by_id ? runtime::not_found("release_id", in.release_id())
                             : runtime::not_found("message_id", in.message_id());
            *out.mutable_release() = release->whole();
            return grpc::Status::OK;
        });
    };
    return rpc_.read(context, request, response, reader);
}

Reactor* PublishingRpc::ListReleases(Context* context, const v1::ListReleasesRequest* request,
                                     v1::ListReleasesResponse* response) {
    const auto reader = [this](const Caller& caller, const v1::ListReleasesRequest& in,
                               v1::ListReleasesResponse& out) {
        return view_.read(caller.realm, [&](const Realm& realm) {
            const auto& order = realm.state().order;
            const auto page = runtime::page(order.size(), in.page_size(), in.page_token());
            if (!page) return page.error();
            for (std::size_t i = page->begin; i < page->end; ++i) {
                v1::Release& row = *out.add_releases();
                row = realm.release(order[order.size() - 1 - i])->whole();
                for (v1::Delivery& delivery : *row.mutable_deliveries()) delivery.clear_rendition();
            }
            out.set_next_page_token(page->next_token);
            return grpc::Status::OK;
        });
    };
    return rpc_.read(context, request, response, reader);
}

Reactor* PublishingRpc::GetFeed(Context* context, const v1::GetFeedRequest* request,
                                v1::GetFeedResponse* response) {
    const auto reader = [this](const v1::GetFeedRequest& in, v1::GetFeedResponse& out) {
        const std::string language = in.language().empty() ? "en-CA" : in.language();
        view_.read(in.realm(), [&](const Realm& realm) {
            out.set_body(feed_page(realm.state(), in.realm(), language,
                                   Decider::constants.feed_base_url, now_time()));
        });
        out.set_etag(content::digest(out.body()));
        return grpc::Status::OK;
    };
    return rpc_.read_public(context, request, response, reader);
}

Reactor* PublishingRpc::GetAlert(Context* context, const v1::GetAlertRequest* request,
                                 v1::GetAlertResponse* response) {
    const auto reader = [this](const v1::GetAlertRequest& in, v1::GetAlertResponse& out) {
        return view_.read(in.realm(), [&](const Realm& realm) {
            const Item* alert = realm.alert(in.identifier(), now_time());
            // Before its T0 an alert is as unknown as one that never was.
            if (!alert) return runtime::not_found("identifier", in.identifier());
            out.set_body(alert->delivery.rendition().body());
            out.set_etag(content::digest(out.body()));
            return grpc::Status::OK;
        });
    };
    return rpc_.read_public(context, request, response, reader);
}

}  // namespace tocsin::publishing
