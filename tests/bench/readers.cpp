#include "bench/readers.hpp"

#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/http.hpp"
#include "bench/setup.hpp"
#include "runtime/edge/service_named.hpp"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <stdexcept>

namespace tocsin::bench {

using publishing::v1::PublishingService;

namespace {

// The path of every rpc that lists something.
std::vector<std::string> paths_of_lists() {
    std::vector<std::string> paths;
    for (const char* name : services) {
        const auto& service = *runtime::service_named(name);
        for (int i = 0; i < service.method_count(); ++i)
            if (const std::string& method = service.method(i)->name(); method.starts_with("List"))
                paths.push_back(fmt::format("/{}/{}", service.full_name(), method));
    }
    return paths;
}

// The first page of each list, one after another.
class Lists {
public:
    Lists(const std::shared_ptr<grpc::Channel>& channel, std::string bearer)
        : bearer_(std::move(bearer)), stub_(channel), paths_(paths_of_lists()) {}

    void read_next() {
        const std::string& path = paths_[next_++ % paths_.size()];
        const grpc::Slice nothing;
        const grpc::ByteBuffer request(&nothing, 1);
        grpc::ByteBuffer response;
        grpc::ClientContext context;
        prepare(context, bearer_);
        std::promise<grpc::Status> ended;
        stub_.UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                        [&](grpc::Status status) { ended.set_value(std::move(status)); });
        expect_ok(ended.get_future().get(), path);
    }

private:
    std::string bearer_;
    grpc::GenericStub stub_;
    std::vector<std::string> paths_;
    std::size_t next_ = 0;
};

void read_feed(PublishingService::Stub& stub, const std::string& bearer,
               const publishing::v1::GetFeedRequest& request) {
    publishing::v1::GetFeedResponse response;
    grpc::ClientContext context;
    prepare(context, bearer);
    expect_ok(stub.GetFeed(&context, request, &response), "GetFeed");
}

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
               stub = std::shared_ptr(PublishingService::NewStub(
                   stage.connect(all.ports.at("grpc"))))] { read_feed(*stub, bearer, request); });
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
