// The gRPC face of publishing. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "publishing/credentials.hpp"
#include "publishing/feed.hpp"
#include "publishing/view.hpp"
#include "runtime/edge/edge.hpp"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <functional>
#include <optional>
#include <string>

namespace tocsin::publishing {

// One page of the realm's channels.
grpc::Status list_channels(const runtime::Caller& caller, const Realm& realm,
                           const v1::ListChannelsRequest& in, v1::ListChannelsResponse& out);
// A release, or one of its deliveries, also once its texts were dropped.
grpc::Status get_release(const runtime::Caller& caller, const Realm& realm,
                         const v1::GetReleaseRequest& in, v1::GetReleaseResponse& out);

// Why the caller may not give that channel that credential; nothing: they may.
std::optional<grpc::Status> require_credential(Credentials& credentials,
                                               const runtime::Caller& caller,
                                               const v1::PutChannelRequest& request);

// Why a channel may not lead there, in the exercise world; nothing: it may, as anywhere where
// `off_limits` is null.
using OffLimits = std::function<std::string(const std::string& url)>;
std::optional<grpc::Status> require_allowed(const OffLimits& off_limits,
                                            const v1::PutChannelRequest& request);

// Thread-safe; called on gRPC's threads.
class PublishingRpc final : public runtime::Edge<v1::PublishingService, v1::Command> {
public:
    // `feed_base_url`: where the public reaches the feed, without a slash at the end.
    PublishingRpc(runtime::Rpc& rpc, const PublishingView& view, Credentials& credentials,
                  OffLimits off_limits, std::string feed_base_url);

private:
    grpc::Status get_feed(const v1::GetFeedRequest& in, v1::GetFeedResponse& out);
    grpc::Status get_alert(const v1::GetAlertRequest& in, v1::GetAlertResponse& out) const;

    const PublishingView& view_;
    std::string feed_base_url_;
    FeedPages feeds_;
};

}  // namespace tocsin::publishing
