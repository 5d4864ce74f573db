// What a live process tells the exercise world: a file with the hosts of all channels of all
// realms, which nothing from an exercise may reach (runtime/http/live_hosts.hpp). Written again
// when a channel or an address is new, and at least every half minute, so that its age says whether
// anybody still writes it.
#pragma once

#include "publishing/view.hpp"
#include "runtime/http/live_hosts.hpp"
#include "runtime/http/name_lookups.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace tocsin::publishing {

class HostList {
public:
    // `look_up` finds the addresses that the hosts have now.
    HostList(std::string file, const PublishingView& view,
             runtime::LookUp look_up = runtime::look_up_by_system);
    ~HostList() { stop(); }
    HostList(const HostList&) = delete;

    // History is folded: what is written from now on is whole.
    void start();
    void stop();

private:
    // What lookups found; theirs as well, which may end late.
    struct Found {
        std::mutex mutex;
        runtime::LiveHostsByName hosts;
    };
    void run();
    void add_channels();
    void look_up();
    std::string write(const runtime::LiveHostsByName& hosts);

    std::string file_;
    const PublishingView& view_;
    std::shared_ptr<Found> found_ = std::make_shared<Found>();
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool stopping_ = false;
    std::string failure_;
    std::thread thread_;
    runtime::NameLookups lookups_;
};

}  // namespace tocsin::publishing
