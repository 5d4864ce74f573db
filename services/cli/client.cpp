#include "cli/client.hpp"

#include "cli/people.hpp"
#include "google/rpc/error_details.pb.h"
#include "runtime/base/ids.hpp"
#include "runtime/base/new_message.hpp"
#include "runtime/edge/errors.hpp"
#include "runtime/edge/service_named.hpp"
#include "runtime/edge/tls.hpp"
#include "runtime/production.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <future>
#include <random>
#include <thread>

namespace tocsin::cli {

namespace protobuf = google::protobuf;
using grpc::StatusCode;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

static constexpr int attempts_max = 12;

Client::Client(const Options& options) : options_(options) {}

const protobuf::ServiceDescriptor* service_of(const std::string& service) {
    const auto* found = runtime::service_named(service);
    if (found == nullptr)
        throw Failure(Exit::failure, fmt::format("there is no service `{}`", service));
    return found;
}

const protobuf::MethodDescriptor* method_of(const std::string& service, const std::string& method) {
    for (const std::string& one : {service, std::string("ledger")})
        if (const auto* found = service_of(one)->FindMethodByName(method)) return found;
    throw Failure(Exit::failure, fmt::format("{} has no method {}", service, method));
}

static Json json_of(const protobuf::Message& message) {
    std::string text;
    if (!protobuf::util::MessageToJsonString(message, &text).ok())
        throw Failure(Exit::failure, "the answer cannot be written as JSON");
    return Json::parse(text);
}

std::shared_ptr<grpc::Channel> Client::channel(const std::string& service) {
    auto& channel = channels_[service];
    if (channel) return channel;
    const auto address = options_.addresses.find(service);
    if (address == options_.addresses.end() || address->second.empty())
        throw Failure(Exit::failure, fmt::format("the address of {0} is not set: run ./dev up and "
                                                 "then ./dev tocsin ..., or give --{0} HOST:PORT",
                                                 service));
    const bool here = runtime::is_loopback(address->second);
    if (options_.ca.empty() && !here && !options_.insecure)
        throw Failure(Exit::usage,
                      fmt::format("{} is on another machine ({}): in plain text others on the "
                                  "network could read the token; give --ca FILE with the CA of the "
                                  "services, or --insecure to send it all the same",
                                  service, address->second));
    if (options_.cert.empty() != options_.key.empty())
        throw Failure(Exit::usage, "--cert and --key belong together: give both, or neither");
    grpc::ChannelArguments arguments;
    // A proxy of the environment would carry it off this machine.
    if (options_.ca.empty() && here) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt("grpc.initial_reconnect_backoff_ms", 100);
    arguments.SetInt("grpc.max_reconnect_backoff_ms", 1000);
    channel = grpc::CreateCustomChannel(
        address->second, runtime::client_credentials(options_.ca, options_.cert, options_.key),
        arguments);
    return channel;
}

void Client::authenticate(grpc::ClientContext& context) {
    if (token_.empty()) token_ = bearer_token(options_);
    context.AddMetadata("authorization", "Bearer " + token_);
    if (!position_.empty()) context.AddMetadata("tocsin-after", position_);
}

namespace {

struct Attempt {
    grpc::Status status;
    std::string body;
};

Attempt attempt(grpc::Channel& channel, grpc::ClientContext& context, const std::string& path,
                const std::string& body) {
    const grpc::Slice slice(body);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> ended;
    // The channel outlives the call; the stub needs shared ownership of it all the same.
    grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(&channel, [](grpc::Channel*) {}));
    stub.UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                   [&](grpc::Status status) { ended.set_value(std::move(status)); });
    Attempt result{ended.get_future().get(), {}};
    std::vector<grpc::Slice> slices;
    if (result.status.ok() && response.Dump(&slices).ok())
        for (const grpc::Slice& part : slices)
            result.body.append(reinterpret_cast<const char*>(part.begin()), part.size());
    return result;
}

// Exponential with jitter, or the delay that the service gave.
milliseconds pause_before(int attempt, const grpc::Status& status) {
    static std::mt19937 random{std::random_device{}()};
    const int base = std::min(100 << std::min(attempt, 5), 2000);
    std::uniform_int_distribution<int> spread(base / 2, base);
    milliseconds pause(spread(random));
    google::rpc::RetryInfo retry;
    const google::rpc::Status unpacked = runtime::unpack(status);
    for (const auto& detail : unpacked.details())
        if (detail.UnpackTo(&retry))
            pause = std::max(pause, milliseconds(retry.retry_delay().seconds() * 1000 +
                                                 retry.retry_delay().nanos() / 1'000'000));
    return pause;
}

bool never_sent(const grpc::Status& status) {
    return status.error_code() == StatusCode::UNAVAILABLE && status.error_details().empty() &&
           status.error_message().find("connect") != std::string::npos;
}

}  // namespace

// An outcome that is not known is not the same as a failure: the change may still be decided.
static Failure failure_of(const grpc::Status& status, const std::string& request_id, bool sent,
                          const std::string& address) {
    const bool open = status.error_code() == StatusCode::UNAVAILABLE ||
                      status.error_code() == StatusCode::DEADLINE_EXCEEDED ||
                      status.error_code() == StatusCode::CANCELLED;
    if (open && !sent)
        return {
            Exit::failure,
            fmt::format("no answer from {}: check that the stack is up (./dev status)", address)};
    if (open && !request_id.empty())
        return {
            Exit::unknown_outcome,
            fmt::format("{}\nwhether it took effect is not known; find out by repeating it with "
                        "--request-id {}",
                        words_of(status), request_id)};
    return {exit_of(status.error_code()), words_of(status)};
}

Json Client::call(const std::string& service, const std::string& method, Json request) {
    const auto* descriptor = method_of(service, method);
    const bool change = descriptor->input_type()->FindFieldByName("request_id") != nullptr;
    std::string request_id;
    if (change) {
        request_id = options_.request_id.empty() ? runtime::new_uuid_v7() : options_.request_id;
        request["requestId"] = request_id;
    }
    auto message = runtime::new_message(descriptor->input_type());
    const auto parsed = protobuf::util::JsonStringToMessage(request.dump(), message.get());
    if (!parsed.ok())
        throw Failure(Exit::usage, fmt::format("the request is not well formed: {}",
                                               std::string(parsed.message())));
    const std::string body = message->SerializeAsString();
    const std::string path =
        fmt::format("/{}/{}", descriptor->service()->full_name(), descriptor->name());
    const auto end = Clock::now() + duration_of(options_.timeout_text, "--timeout");
    bool sent = false;
    for (int count = 0;; ++count) {
        grpc::ClientContext context;
        authenticate(context);
        context.set_deadline(std::chrono::system_clock::now() + (end - Clock::now()));
        const auto target = channel(service);
        const Attempt result = attempt(*target, context, path, body);
        if (result.status.ok()) {
            auto answer = runtime::new_message(descriptor->output_type());
            answer->ParseFromString(result.body);
            Json json = json_of(*answer);
            if (json.contains("position")) position_ = json["position"].get<std::string>();
            return json;
        }
        sent = sent || !never_sent(result.status);
        const auto pause = pause_before(count, result.status);
        if (result.status.error_code() != StatusCode::UNAVAILABLE || count + 1 >= attempts_max ||
            Clock::now() + pause >= end)
            throw failure_of(result.status, request_id, sent, options_.addresses.at(service));
        std::this_thread::sleep_for(pause);
    }
}

grpc::Status Client::watch(const std::string& incident,
                           const std::function<bool(const Json&)>& each) {
    const auto stub = drafting::v1::DraftingService::NewStub(channel("drafting"));
    grpc::ClientContext context;
    authenticate(context);
    drafting::v1::WatchMessagesRequest request;
    request.set_incident_id(incident);
    const auto reader = stub->WatchMessages(&context, request);
    drafting::v1::WatchMessagesResponse response;
    while (reader->Read(&response)) {
        if (each(json_of(response))) continue;
        context.TryCancel();
        break;
    }
    return reader->Finish();
}

Exit exit_of(StatusCode code) {
    switch (code) {
        case StatusCode::OK:
            return Exit::ok;
        case StatusCode::INVALID_ARGUMENT:
        case StatusCode::OUT_OF_RANGE:
            return Exit::usage;
        case StatusCode::NOT_FOUND:
            return Exit::not_found;
        case StatusCode::UNAUTHENTICATED:
        case StatusCode::PERMISSION_DENIED:
            return Exit::auth;
        case StatusCode::FAILED_PRECONDITION:
        case StatusCode::ABORTED:
            return Exit::precondition;
        case StatusCode::DEADLINE_EXCEEDED:
            return Exit::timeout;
        case StatusCode::CANCELLED:
        case StatusCode::UNKNOWN:
        case StatusCode::ALREADY_EXISTS:
        case StatusCode::RESOURCE_EXHAUSTED:
        case StatusCode::UNIMPLEMENTED:
        case StatusCode::INTERNAL:
        case StatusCode::UNAVAILABLE:
        case StatusCode::DATA_LOSS:
        case StatusCode::DO_NOT_USE:
            break;
    }
    return Exit::failure;
}

static std::string advice(StatusCode code) {
    switch (code) {
        case StatusCode::INVALID_ARGUMENT:
            return "correct the fields named above";
        case StatusCode::UNAUTHENTICATED:
            return "give a valid token: --as NAME or --token-file FILE";
        case StatusCode::PERMISSION_DENIED:
            return "ask a person who has the role in the roster (tocsin roster get)";
        case StatusCode::ABORTED:
            return "read it again, then repeat the change";
        case StatusCode::FAILED_PRECONDITION:
            return "bring it into the right state first";
        case StatusCode::UNAVAILABLE:
            return "repeat it as it is in a moment";
        case StatusCode::DEADLINE_EXCEEDED:
            return "repeat it, with a longer --timeout";
        case StatusCode::OK:
        case StatusCode::CANCELLED:
        case StatusCode::UNKNOWN:
        case StatusCode::NOT_FOUND:
        case StatusCode::ALREADY_EXISTS:
        case StatusCode::RESOURCE_EXHAUSTED:
        case StatusCode::OUT_OF_RANGE:
        case StatusCode::UNIMPLEMENTED:
        case StatusCode::INTERNAL:
        case StatusCode::DATA_LOSS:
        case StatusCode::DO_NOT_USE:
            break;
    }
    return {};
}

std::string words_of(const grpc::Status& status) {
    static constexpr const char* names[] = {"ok",
                                            "cancelled",
                                            "unknown",
                                            "invalid argument",
                                            "timeout",
                                            "not found",
                                            "already exists",
                                            "permission denied",
                                            "exhausted",
                                            "failed precondition",
                                            "aborted",
                                            "out of range",
                                            "unimplemented",
                                            "internal",
                                            "unavailable",
                                            "data loss",
                                            "unauthenticated"};
    const auto code = static_cast<std::size_t>(status.error_code());
    std::string words = code < std::size(names) ? names[code] : "unknown";
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    std::string text = status.error_message();
    std::string fields;
    const google::rpc::Status unpacked = runtime::unpack(status);
    for (const auto& detail : unpacked.details()) {
        if (detail.UnpackTo(&info)) words += " (" + info.reason() + ")";
        if (!detail.UnpackTo(&bad)) continue;
        for (const auto& violation : bad.field_violations()) {
            const std::string line = violation.field() + ": " + violation.description();
            // Often the text is what is wrong with its one field, or the first: it is said once.
            if (text == violation.description())
                text = line;
            else if (text != line)
                fields += "\n  " + line;
        }
    }
    words += ": " + text + fields;
    if (const std::string next = advice(status.error_code()); !next.empty())
        words += "\nwhat to do: " + next;
    return words;
}

}  // namespace tocsin::cli
