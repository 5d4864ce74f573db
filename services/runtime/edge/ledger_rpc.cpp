#include "runtime/edge/ledger_rpc.hpp"

#include "runtime/host/logs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace tocsin::runtime {

using std::chrono::milliseconds;

grpc::Status LedgerRpc::not_hosted(const std::string& service) const {
    std::vector<std::string_view> names;
    names.reserve(hosted_.size());
    for (const Hosted& hosted : hosted_) names.emplace_back(hosted.ledger->service());
    const std::string choices = fmt::format("name one of {}", fmt::join(names, ", "));
    if (service.empty()) {
        const std::string text = "is required, since this process serves several; " + choices;
        return edge_status("invalid_argument", "service: " + text, {{"service", text}});
    }
    const std::string text =
        fmt::format("there is no ledger of service `{}` in this process; {}", service, choices);
    return edge_status("not_found", text, {{"service", text}});
}

template <class Request>
std::expected<LedgerRpc::Asked, grpc::Status> LedgerRpc::asked(const Context& context,
                                                               const Bytes& bytes,
                                                               Request& request) const {
    if (hosted_.empty())
        return std::unexpected(edge_status("not_found", "there is no ledger in this process"));
    // One verifier serves them all.
    auto caller = hosted_.front().rpc->authenticate_operator(context, bytes, request);
    if (!caller) return std::unexpected(caller.error());
    const bool only = request.service().empty() && hosted_.size() == 1;
    for (const Hosted& hosted : hosted_)
        if (only || hosted.ledger->service() == request.service())
            return Asked{hosted.ledger, std::move(*caller)};
    return std::unexpected(not_hosted(request.service()));
}

grpc::ServerUnaryReactor* LedgerRpc::get_status(Context* context, const Bytes& bytes,
                                                Bytes& response) {
    // Not as a read: it must answer while history is folded and when a partition is halted.
    ledger::v1::GetStatusRequest request;
    const auto of = asked(*context, bytes, request);
    if (!of) return Rpc::end(context, of.error());
    ledger::v1::GetStatusResponse answer;
    answer.set_instance(instance_);
    answer.set_stale_seconds(of->ledger->stale_seconds());
    answer.set_kafka_connected(of->ledger->connected());
    for (const auto& status : of->ledger->status()) {
        auto& partition = *answer.add_partitions();
        partition.set_partition(status.partition);
        partition.set_next_offset(status.next_offset);
        partition.set_head(status.head);
        partition.set_writer(status.writer);
        partition.set_decisions(status.counters.counted);
        partition.set_void_records(status.counters.void_records);
        partition.set_undecided(static_cast<std::int64_t>(status.undecided));
        partition.set_halted(status.halted);
        *partition.mutable_decided_at() = to_proto(status.decided_at);
        for (const std::string& why : status.inputs_halted) partition.add_inputs_halted(why);
        partition.set_clock_off(status.clock_off);
        partition.set_clock_ahead_seconds(
            std::chrono::duration<double>(status.clock_ahead).count());
        partition.set_key_id(status.key_id);
    }
    return Rpc::end(context, Rpc::serialized(answer, response));
}

// For the log, once it is known: an attempt is no repair.
static std::string_view what_became_of(LedgerProcess::Obeyed::Kind kind) {
    using Kind = LedgerProcess::Obeyed::Kind;
    switch (kind) {
        case Kind::not_halted:
        case Kind::not_repairable:
            return "an operator's repair of a partition was refused: there is nothing that it "
                   "would repair";
        case Kind::not_yet:
            return "an operator's repair of a partition is not recorded yet";
        case Kind::recorded:
            break;
    }
    return "an operator repaired a partition";
}

template <class Request, class Response>
grpc::ServerUnaryReactor* LedgerRpc::operate(Context* context, const Bytes& bytes, Bytes& response,
                                             LedgerProcess::Word word) {
    using Kind = LedgerProcess::Obeyed::Kind;
    Request request;
    const auto of = asked(*context, bytes, request);
    if (!of) return Rpc::end(context, of.error());
    const std::string service = of->ledger->service();
    const int partition = request.partition();
    if (partition >= of->ledger->partitions()) {
        const std::string range = fmt::format("must be 0 to {}", of->ledger->partitions() - 1);
        return Rpc::end(context, edge_status("invalid_argument", "partition: " + range,
                                             {{"partition", range}}));
    }
    auto* reactor = context->DefaultReactor();
    of->ledger->operate(
        partition, word, fmt::format("{}: {}", of->caller.actor, request.reason()),
        milliseconds(5000),
        [reactor, &response, service, partition, word, actor = of->caller.actor,
         reason = request.reason()](const LedgerProcess::Obeyed& obeyed) {
            const bool restart = word == LedgerProcess::Word::restart_inputs;
            logs::warn(what_became_of(obeyed.kind),
                       {{"service", service},
                        {"partition", partition},
                        {"repair", restart ? "RestartInput" : "OverrideClock"},
                        {"actor", actor},
                        {"reason", reason}});
            switch (obeyed.kind) {
                case Kind::not_halted:
                    return reactor->Finish(edge_status("not_halted"));
                case Kind::not_repairable:
                    return reactor->Finish(edge_status("not_repairable", obeyed.why));
                case Kind::not_yet:
                    return reactor->Finish(edge_status(
                        "unavailable",
                        "it is not recorded yet; see GetStatus, and ask again while it is halted"));
                case Kind::recorded:
                    break;
            }
            Response answer;
            answer.set_position(Position{service, partition, obeyed.offset}.text());
            reactor->Finish(Rpc::serialized(answer, response));
        });
    return reactor;
}

LedgerRpc::LedgerRpc(std::string instance) : instance_(std::move(instance)) {
    namespace v1 = ledger::v1;
    using Word = LedgerProcess::Word;
    serve(method_of(v1::GetStatusRequest::descriptor()),
          [this](Context* context, const Bytes* request, Bytes* response) {
              return get_status(context, *request, *response);
          });
    serve(method_of(v1::RestartInputRequest::descriptor()),
          [this](Context* context, const Bytes* request, Bytes* response) {
              return operate<v1::RestartInputRequest, v1::RestartInputResponse>(
                  context, *request, *response, Word::restart_inputs);
          });
    serve(method_of(v1::OverrideClockRequest::descriptor()),
          [this](Context* context, const Bytes* request, Bytes* response) {
              return operate<v1::OverrideClockRequest, v1::OverrideClockResponse>(
                  context, *request, *response, Word::override_clock);
          });
}

}  // namespace tocsin::runtime
