// takeover: how long callers wait when the leading instance is killed.
#include "bench/benchmarks.hpp"
#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/waiting.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"
#include "tocsin/ledger/v1/ledger_service.grpc.pb.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int callers = 8;
// The runtime's own default of takeover-ms.
static constexpr double patience_ms = 250;
// A world of its own, so that the ledgers of the others stay as they are.
static constexpr const char* takeover_world = "exercise";

namespace {

using Channels = std::array<std::shared_ptr<grpc::Channel>, 2>;

// Callers that set policies one after another, at both instances; who gets no answer asks the other
// one again with the same request.
class Load {
public:
    Load(Channels channels, std::string token)
        : channels_(std::move(channels)), bearer_("Bearer " + std::move(token)) {
        for (int i = 0; i < callers; ++i) threads_.emplace_back([this, i] { ask(i); });
    }
    ~Load() { stop(); }

    void replace(std::size_t index, std::shared_ptr<grpc::Channel> channel) {
        const std::lock_guard guard(mutex_);
        channels_[index] = std::move(channel);
    }
    std::size_t answers() const {
        const std::lock_guard guard(mutex_);
        return answered_.size();
    }
    // The longest time without an answer from the last one before `since` on.
    double longest_gap_ms(Clock::time_point since) const {
        const std::lock_guard guard(mutex_);
        double longest = 0;
        for (std::size_t i = 1; i < answered_.size(); ++i)
            if (answered_[i] >= since)
                longest = std::max(longest, std::chrono::duration<double, std::milli>(
                                                answered_[i] - answered_[i - 1])
                                                .count());
        return longest;
    }
    std::string refused() const {
        const std::lock_guard guard(mutex_);
        return refused_;
    }

private:
    void stop() {
        running_ = false;
        threads_.clear();
    }

    void ask(int number) {
        auto instance = static_cast<std::size_t>(number % 2);
        for (int quorum = 1; running_; quorum = quorum % 2 + 1) {
            approval::v1::SetPolicyRequest request;
            request.set_request_id(runtime::new_uuid_v7());
            request.set_severity(content::v1::SEVERITY_SEVERE);
            request.set_quorum(quorum);
            request.add_roles("approver");
            while (running_ && !answered(request, instance)) {
                instance = 1 - instance;
                std::this_thread::sleep_for(5ms);  // As a caller backs off.
            }
        }
    }

    bool answered(const approval::v1::SetPolicyRequest& request, std::size_t instance) {
        std::shared_ptr<grpc::Channel> channel;
        {
            const std::lock_guard guard(mutex_);
            channel = channels_[instance];
        }
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + 2s);
        context.AddMetadata("authorization", bearer_);
        ledger::v1::ChangeResponse response;
        const grpc::Status status = approval::v1::ApprovalService::NewStub(channel)->SetPolicy(
            &context, request, &response);
        const std::lock_guard guard(mutex_);
        if (status.ok()) {
            answered_.push_back(Clock::now());
        } else if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
                   status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED &&
                   status.error_code() != grpc::StatusCode::PERMISSION_DENIED) {
            refused_ = status.error_message();
        }
        return status.ok();
    }

    mutable std::mutex mutex_;
    Channels channels_;
    std::string bearer_;
    std::vector<Clock::time_point> answered_;
    std::string refused_;
    std::atomic<bool> running_{true};
    std::vector<std::jthread> threads_;
};

std::string leader(const Stage& stage, const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    prepare(context, "Bearer " + operator_token(stage));
    ledger::v1::GetStatusRequest request;
    ledger::v1::GetStatusResponse response;
    request.set_service("approval");
    expect_ok(ledger::v1::LedgerService::NewStub(channel)->GetStatus(&context, request, &response),
              "GetStatus");
    return response.partitions(runtime::partition_of(realm, Stage::partitions)).writer();
}

void await_answers(const Load& load, std::size_t more) {
    const std::size_t before = load.answers();
    if (wait_until(30s,
                   [&] { return load.answers() >= before + more || !load.refused().empty(); }) &&
        load.refused().empty())
        return;
    throw std::runtime_error(fmt::format("calls are not answered: {}", load.refused()));
}

}  // namespace

std::vector<Figure> takeover(Stage& stage) {
    const std::array<std::string, 2> names{"approval-1", "approval-2"};
    std::array<Running, 2> instances;
    for (std::size_t i = 0; i < 2; ++i) {
        instances[i] = stage.start("approval", takeover_world, names[i]);
        instances[i].await_serving("approval");
    }
    import_roster(stage, instances[0].channel);
    Load load({instances[0].channel, instances[1].channel}, admin_token(stage));
    std::vector<double> gaps;
    for (int round = 0; round < stage.dose(rounds, 1); ++round) {
        await_answers(load, 200);
        // The published status of a partition may be a quarter of a second old.
        std::string before = leader(stage, instances[0].channel);
        wait_until(2s, [&] { return leader(stage, instances[1].channel) == before; });
        const std::size_t leads = before == names[0] ? 0 : 1;
        const auto killed = Clock::now();
        instances[leads].program->end(SIGKILL);
        await_answers(load, 200);
        gaps.push_back(load.longest_gap_ms(killed));
        say(fmt::format("takeover, round {}: {} was killed; {:.0f} ms without an answer", round + 1,
                        names[leads], gaps.back()));
        instances[leads] = stage.start("approval", takeover_world, names[leads]);
        instances[leads].await_serving("approval");
        load.replace(leads, instances[leads].channel);
    }
    return {less_is_better("takeover", median(gaps), patience_ms, "ms",
                           "the time without a decision after which another instance takes over",
                           4)};
}

}  // namespace tocsin::bench
