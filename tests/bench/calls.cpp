#include "bench/calls.hpp"

#include "bench/floor.hpp"
#include "bench/waiting.hpp"
#include "runtime/base/ids.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

namespace tocsin::bench {

using namespace std::chrono_literals;
namespace v1 = drafting::v1;

void prepare(grpc::ClientContext& context, const std::string& bearer) {
    context.set_deadline(std::chrono::system_clock::now() + call_deadline);
    context.AddMetadata("authorization", bearer);
}

void expect_ok(const grpc::Status& status, const std::string& what) {
    if (!status.ok())
        throw std::runtime_error(fmt::format("{}: {} (code {})", what, status.error_message(),
                                             static_cast<int>(status.error_code())));
}

static v1::CreateIncidentRequest new_request() {
    v1::CreateIncidentRequest request;
    request.set_request_id(runtime::new_uuid_v7());
    request.set_kind("flood");
    request.set_title("Bow River at Calgary above its flood threshold");
    return request;
}

IncidentCaller::IncidentCaller(const std::shared_ptr<grpc::Channel>& channel, std::string token)
    : bearer_("Bearer " + std::move(token)), stub_(v1::DraftingService::NewStub(channel)) {}

double IncidentCaller::call() {
    const v1::CreateIncidentRequest request = new_request();
    ledger::v1::ChangeResponse response;
    grpc::ClientContext context;
    prepare(context, bearer_);
    const auto start = Clock::now();
    const grpc::Status status = stub_->CreateIncident(&context, request, &response);
    const double taken = ms_since(start);
    expect_ok(status, "CreateIncident");
    return taken;
}

double IncidentCaller::call_until_answered() {
    const v1::CreateIncidentRequest request = new_request();
    const auto start = Clock::now();
    grpc::Status status;
    wait_until(300s, [&] {
        ledger::v1::ChangeResponse response;
        grpc::ClientContext context;
        prepare(context, bearer_);
        status = stub_->CreateIncident(&context, request, &response);
        return status.error_code() != grpc::StatusCode::UNAVAILABLE &&
               status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
    });
    expect_ok(status, "CreateIncident");
    return ms_since(start);
}

void IncidentCaller::call_until_allowed() {
    grpc::Status status;
    const bool allowed = wait_until(10s, [&] {
        ledger::v1::ChangeResponse response;
        grpc::ClientContext context;
        prepare(context, bearer_);
        status = stub_->CreateIncident(&context, new_request(), &response);
        return status.error_code() != grpc::StatusCode::PERMISSION_DENIED;
    });
    if (!allowed || !status.ok()) expect_ok(status, "CreateIncident");
}

struct IncidentCaller::InFlight {
    v1::CreateIncidentRequest request;
    ledger::v1::ChangeResponse response;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<ledger::v1::ChangeResponse>> reader;
    grpc::Status status;
};

double IncidentCaller::rate(int in_flight, std::chrono::milliseconds duration) {
    grpc::CompletionQueue queue;
    std::vector<InFlight> calls(static_cast<std::size_t>(in_flight));
    const auto begin = [&](InFlight& call) {
        call.context = std::make_unique<grpc::ClientContext>();
        prepare(*call.context, bearer_);
        call.request = new_request();
        call.reader = stub_->AsyncCreateIncident(call.context.get(), call.request, &queue);
        call.reader->Finish(&call.response, &call.status, &call);
    };
    const auto start = Clock::now();
    const auto until = start + duration;
    for (InFlight& call : calls) begin(call);
    std::int64_t count = 0;
    double seconds = 0;
    for (int left = in_flight; left > 0;) {
        void* tag = nullptr;
        bool ok = false;
        if (!queue.Next(&tag, &ok)) throw std::runtime_error("the completion queue ended");
        InFlight& call = *static_cast<InFlight*>(tag);
        expect_ok(call.status, "CreateIncident");
        if (Clock::now() < until) {
            ++count;
            seconds = seconds_since(start);
            begin(call);
        } else {
            --left;
        }
    }
    queue.Shutdown();
    return static_cast<double>(count) / seconds;
}

}  // namespace tocsin::bench
