#include "publishing/host_list.hpp"

#include "runtime/host/clock.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/replaced_file.hpp"
#include "runtime/http/place.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace tocsin::publishing {

static constexpr std::chrono::seconds between_looks{2};
static constexpr int looks_between_writes = 15;
// A host behind many addresses shows others each time.
static constexpr std::size_t addresses_max = 256;

HostList::HostList(std::string file, const PublishingView& view, runtime::LookUp look_up)
    : file_(std::move(file)), view_(view), lookups_(std::move(look_up)) {}

void HostList::start() {
    if (!file_.empty()) thread_ = std::thread([this] { run(); });
}

void HostList::stop() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    stopped_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void HostList::run() {
    runtime::LiveHostsByName written;
    for (int looks = 0;; ++looks) {
        add_channels();
        if (looks % looks_between_writes == 0) look_up();
        runtime::LiveHostsByName now;
        {
            const std::lock_guard guard(found_->mutex);
            now = found_->hosts;
        }
        if (looks % looks_between_writes == 0 || now != written) {
            const std::string failure = write(now);
            if (failure.empty()) written = std::move(now);
            if (failure != std::exchange(failure_, failure) && !failure.empty())
                runtime::logs::error("the list of live hosts cannot be written",
                                     {{"why", failure}});
        }
        std::unique_lock lock(mutex_);
        if (stopped_.wait_for(lock, between_looks, [this] { return stopping_; })) return;
    }
}

// One that was removed stays: its retraction goes there, and nothing of an exercise ever should.
void HostList::add_channels() {
    view_.each([this](const std::string&, const Realm& realm) {
        realm.channels().ascend(nullptr, [this](const std::string&, const NumberedChannel& known) {
            if (const auto place = runtime::place_of(known.channel.url())) {
                const std::lock_guard guard(found_->mutex);
                found_->hosts[place->host].ports.insert(place->port);
            }
            return true;
        });
    });
}

void HostList::look_up() {
    std::vector<std::string> names;
    {
        const std::lock_guard guard(found_->mutex);
        for (const auto& [name, host] : found_->hosts) names.push_back(name);
    }
    for (const std::string& name : names)
        lookups_.ask(name, name, [found = found_, name](const runtime::Addresses& addresses) {
            if (!addresses) return;
            const std::lock_guard guard(found->mutex);
            auto& known = found->hosts[name].addresses;
            for (const std::string& address : *addresses)
                if (known.size() < addresses_max) known.insert(runtime::one_spelling(address));
        });
}

std::string HostList::write(const runtime::LiveHostsByName& hosts) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(runtime::system_now().time_since_epoch());
    return runtime::replace_file(file_, runtime::hosts_json(hosts, now.count()).dump(1) + "\n",
                                 0644);
}

}  // namespace tocsin::publishing
