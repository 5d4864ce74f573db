// One process of publishing: beside the driver the real view, executor and channel adapters, over a
// network that fails.
#pragma once

#include "publishing/executor.hpp"
#include "publishing/view.hpp"
#include "sim/network.hpp"
#include "sim/process.hpp"

#include <coroutine>
#include <deque>
#include <memory>

namespace tocsin::sim {

// The channels' credentials, as files; they go away with the program.
publishing::CredentialFiles credential_files();
// The token of an account that nobody approved.
inline constexpr auto other_account = "another-token";

class PublishingProcess final : public Process, public runtime::HttpTransport {
public:
    PublishingProcess(Surroundings& around, Network& network, ProcessPlan plan, std::string name)
        : Process(around, std::move(plan), std::move(name)), network_(network) {}
    ~PublishingProcess() override { crash(); }

    // An answer comes back from the network.
    void complete(int exchange, runtime::HttpResult result);
    const publishing::PublishingView& view() const { return *view_; }

    // HttpTransport
    runtime::Task<runtime::HttpResult> send(runtime::HttpRequest request) override;
    runtime::Task<void> sleep_until(Tick when) override;

private:
    struct Sleep;
    struct Exchange;
    struct Pending {
        std::coroutine_handle<> handle;
        runtime::HttpResult* result;
    };

    std::vector<runtime::View*> begin() override;
    void end() override;
    void after_turn() override;
    Tick also_due() const override;
    void run_loop();

    Network& network_;
    std::unique_ptr<publishing::PublishingView> view_;
    std::unique_ptr<publishing::Credentials> credentials_;
    std::unique_ptr<publishing::Executor> executor_;
    bool started_ = false;
    std::deque<std::move_only_function<void()>> posted_;
    std::multimap<Tick, std::coroutine_handle<>> sleeping_;
    std::map<int, Pending> exchanges_;
    int exchanges_made_ = 0;
};

}  // namespace tocsin::sim
