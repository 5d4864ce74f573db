#include "sim/publishing_process.hpp"

#include "support/credential_file.hpp"
#include "support/cut_off.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

publishing::CredentialFiles credential_files() {
    struct Stored : CredentialFile {
        Stored() {
            // Another account each, here or elsewhere: a channel leads there now and then.
            for (const std::string elsewhere : {"", "-2"}) {
                put("hook" + elsewhere,
                    credential_text("webhook", "hook", webhook_secret, elsewhere));
                const std::string token = fmt::format(R"("token":"{}")", other_account);
                put("toot" + elsewhere,
                    credential_text("mastodon", "toot", elsewhere.empty() ? mastodon_secret : token,
                                    elsewhere));
            }
        }
    };
    static const Stored stored;
    return stored.files();
}

struct PublishingProcess::Sleep {
    PublishingProcess& process;
    Tick when;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) { process.sleeping_.emplace(when, handle); }
    void await_resume() const noexcept {}
};

struct PublishingProcess::Exchange {
    PublishingProcess& process;
    runtime::HttpRequest request;
    runtime::HttpResult result = std::unexpected(runtime::HttpError{});
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        const int number = process.exchanges_made_++;
        process.exchanges_[number] = {handle, &result};
        process.network_.send(process.incarnation(), number, std::move(request));
    }
    runtime::HttpResult await_resume() { return std::move(result); }
};

std::vector<runtime::View*> PublishingProcess::begin() {
    view_ = std::make_unique<publishing::PublishingView>(partitions());
    credentials_ = std::make_unique<publishing::Credentials>(credential_files(),
                                                             publishing::CredentialRules{});
    executor_ = std::make_unique<publishing::Executor>(publishing::ExecutorParts{
        .view = *view_,
        .ledger = driver(),
        .metrics = around().metrics(),
        .http = *this,
        .post =
            [this](std::move_only_function<void()> task) { posted_.push_back(std::move(task)); },
        .incarnation = incarnation(),
        .credentials = *credentials_,
        .world = "live",
        .drain = milliseconds{0},
        .now = [this] { return now(); },
        .steady_now = [this] { return own_clock().tick(); }});
    network_.connect(incarnation(), this);
    return {view_.get(), executor_.get()};
}

// What it was in the middle of never goes on.
void PublishingProcess::end() {
    network_.connect(incarnation(), nullptr);
    for (auto& [when, handle] : std::exchange(sleeping_, {})) testing::keep_cut_off(handle);
    for (auto& [number, pending] : std::exchange(exchanges_, {}))
        testing::keep_cut_off(pending.handle);
    for (auto& task : std::exchange(posted_, {})) testing::keep_cut_off(std::move(task));
    executor_.reset();
    view_.reset();
    started_ = false;
}

void PublishingProcess::after_turn() {
    if (!started_ && ready()) {
        started_ = true;
        executor_->start();
    }
    run_loop();
}

Tick PublishingProcess::also_due() const {
    if (!posted_.empty()) return {};
    return sleeping_.empty() ? Tick::max() : sleeping_.begin()->first;
}

void PublishingProcess::run_loop() {
    for (int turns = 0; turns < 10'000; ++turns) {
        if (!posted_.empty()) {
            auto task = std::move(posted_.front());
            posted_.pop_front();
            task();
        } else if (!sleeping_.empty() && sleeping_.begin()->first <= around().tick()) {
            const auto handle = sleeping_.begin()->second;
            sleeping_.erase(sleeping_.begin());
            handle.resume();
        } else {
            return;
        }
    }
    throw Violation("the executor never rests");
}

runtime::Task<runtime::HttpResult> PublishingProcess::send(runtime::HttpRequest request) {
    Exchange exchange{*this, std::move(request)};
    co_return co_await exchange;
}

runtime::Task<void> PublishingProcess::sleep_until(Tick when) {
    Sleep sleep{*this, when};
    co_await sleep;
}

void PublishingProcess::complete(int number, runtime::HttpResult result) {
    const auto found = exchanges_.find(number);
    if (found == exchanges_.end()) return;
    const Pending pending = found->second;
    exchanges_.erase(found);
    if (result) result->written_at = result->answered_at = now();
    *pending.result = std::move(result);
    const auto handle = pending.handle;
    posted_.push_back([handle] { handle.resume(); });
}

}  // namespace tocsin::sim
