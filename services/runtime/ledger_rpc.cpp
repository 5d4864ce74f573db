#include "runtime/ledger_rpc.hpp"

#include "runtime/logs.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

using std::chrono::milliseconds;

const LedgerRpc::Hosted* LedgerRpc::find(const std::string& service) const {
    if (service.empty() && hosted_.size() == 1) return &hosted_.front();
    for (const Hosted& hosted : hosted_)
        if (hosted.ledger->service() == service) return &hosted;
    return nullptr;
}

grpc::ServerUnaryReactor* LedgerRpc::finish(grpc::CallbackServerContext* context,
                                            grpc::Status why) {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(std::move(why));
    return reactor;
}

grpc::ServerUnaryReactor* LedgerRpc::GetStatus(grpc::CallbackServerContext* context,
                                               const ledger::v1::GetStatusRequest* request,
                                               ledger::v1::GetStatusResponse* response) {
    const Hosted* hosted = find(request->service());
    if (hosted == nullptr) return finish(context, not_found("service", request->service()));
    // Not as a read: it must answer while history is folded and when a partition is halted.
    if (auto caller = hosted->rpc->authenticate(*context, *request); !caller)
        return finish(context, caller.error());
    response->set_instance(instance_);
    response->set_stale_seconds(hosted->ledger->stale_seconds());
    response->set_kafka_connected(response->stale_seconds() == 0);
    for (const auto& status : hosted->ledger->status()) {
        auto& partition = *response->add_partitions();
        partition.set_partition(status.partition);
        partition.set_next_offset(status.next_offset);
        partition.set_head(status.head);
        partition.set_writer(status.writer);
        partition.set_decisions(status.counters.counted);
        partition.set_void_records(status.counters.void_records);
        partition.set_undecided(static_cast<std::int64_t>(status.undecided));
        partition.set_halted(status.halted);
        *partition.mutable_decided_at() = to_proto(status.decided_at);
    }
    return finish(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* LedgerRpc::RestartInput(grpc::CallbackServerContext* context,
                                                  const ledger::v1::RestartInputRequest* request,
                                                  ledger::v1::RestartInputResponse* response) {
    const Hosted* hosted = find(request->service());
    if (hosted == nullptr) return finish(context, not_found("service", request->service()));
    auto caller = hosted->rpc->authenticate(*context, *request);
    if (!caller) return finish(context, caller.error());
    if (!caller->has("admin"))
        return finish(context, edge_status("role_missing",
                                           "the role admin is needed, by token "
                                           "and by roster"));
    auto* reactor = context->DefaultReactor();
    const std::string service = hosted->ledger->service();
    const int partition = request->partition();
    logs::warn("an operator restarts the inputs of a partition", {{"service", service},
                                                                  {"partition", partition},
                                                                  {"actor", caller->actor},
                                                                  {"reason", request->reason()}});
    hosted->ledger->restart_inputs(
        partition, fmt::format("{}: {}", caller->actor, request->reason()), milliseconds(5000),
        [reactor, response, service, partition](LedgerProcess::Restarted restarted) {
            if (!restarted.halted) return reactor->Finish(edge_status("not_halted"));
            if (!restarted.offset)
                return reactor->Finish(edge_status(
                    "unavailable",
                    "it is not recorded yet; see GetStatus, and ask again while it is halted"));
            response->set_position(Position{service, partition, *restarted.offset}.text());
            reactor->Finish(grpc::Status::OK);
        });
    return reactor;
}

}  // namespace tocsin::runtime
