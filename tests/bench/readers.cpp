#include "bench/readers.hpp"

#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/http.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/measurement/v1/measurement_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <fmt/format.h>

#include <stdexcept>

namespace tocsin::bench {

using approval::v1::ApprovalService;
using drafting::v1::DraftingService;
using measurement::v1::MeasurementService;
using publishing::v1::PublishingService;

namespace {

template <class Stub, class Request, class Response>
void read(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
          const std::string& bearer, const Request& request) {
    Response response;
    grpc::ClientContext context;
    prepare(context, bearer);
    expect_ok((stub.*method)(&context, request, &response), Request::descriptor()->name());
}

// The first page of each list, one after another.
class Lists {
public:
    Lists(const std::shared_ptr<grpc::Channel>& channel, std::string bearer)
        : bearer_(std::move(bearer)),
          drafting_(DraftingService::NewStub(channel)),
          approval_(ApprovalService::NewStub(channel)),
          publishing_(PublishingService::NewStub(channel)),
          measurement_(MeasurementService::NewStub(channel)) {}

    void read_next() {
        switch (next_++ % 5) {
            case 0:
                return read(*drafting_, &DraftingService::Stub::ListMessages, bearer_,
                            drafting::v1::ListMessagesRequest());
            case 1:
                return read(*drafting_, &DraftingService::Stub::ListIncidents, bearer_,
                            drafting::v1::ListIncidentsRequest());
            case 2:
                return read(*approval_, &ApprovalService::Stub::ListReviews, bearer_,
                            approval::v1::ListReviewsRequest());
            case 3:
                return read(*publishing_, &PublishingService::Stub::ListReleases, bearer_,
                            publishing::v1::ListReleasesRequest());
            case 4:
                return read(*measurement_, &MeasurementService::Stub::ListScorecards, bearer_,
                            measurement::v1::ListScorecardsRequest());
        }
    }

private:
    std::string bearer_;
    std::unique_ptr<DraftingService::Stub> drafting_;
    std::unique_ptr<ApprovalService::Stub> approval_;
    std::unique_ptr<PublishingService::Stub> publishing_;
    std::unique_ptr<MeasurementService::Stub> measurement_;
    int next_ = 0;
};

}  // namespace

template <class Client>
void Readers::start(Client read) {
    threads_.emplace_back([this, read = std::move(read)]() mutable {
        try {
            while (running_) {
                read();
                ++reads_;
            }
        } catch (const std::exception& error) {
            const std::lock_guard guard(mutex_);
            failure_ = error.what();
        }
    });
}

Readers::Readers(const Stage& stage, const Running& all) {
    const std::string bearer = "Bearer " + author_token(stage);
    const std::string url =
        fmt::format("http://127.0.0.1:{}/feeds/{}/", all.ports.at("gateway"), realm);
    for (int i = 0; i < feed_clients; ++i) {
        const std::string language = i / 2 % 2 == 0 ? "en-CA" : "fr-CA";
        if (i % 2 == 0) {
            start([http = std::make_shared<Http>(), page = url + language + ".atom"] {
                http->get(page);
            });
            continue;
        }
        publishing::v1::GetFeedRequest request;
        request.set_realm(realm);
        request.set_language(language);
        start([request, bearer,
               stub = std::shared_ptr(
                   PublishingService::NewStub(stage.connect(all.ports.at("grpc"))))] {
            read(*stub, &PublishingService::Stub::GetFeed, bearer, request);
        });
    }
    start([lists = std::make_shared<Lists>(stage.connect(all.ports.at("grpc")), bearer)] {
        lists->read_next();
    });
}

std::int64_t Readers::stop() {
    running_ = false;
    threads_.clear();
    if (!failure_.empty()) throw std::runtime_error("a reader: " + failure_);
    return reads_;
}

}  // namespace tocsin::bench
