// The hosts of the live world's channels, which nothing from an exercise may reach. A live process
// writes the list (publishing/host_list.hpp), and a process of the exercise world reads it, for all
// of its requests: before a name is looked up, and again with the address when a connection is
// made.
#pragma once

#include "runtime/host/file_version.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// A host of a live channel: its ports there, and the addresses that it was seen at.
struct LiveHost {
    std::set<int> ports;
    std::set<std::string> addresses;

    bool operator==(const LiveHost&) const = default;
};

// By the host's name or address in one spelling (place.hpp).
using LiveHostsByName = std::map<std::string, LiveHost>;

// The list as it is written: {"world": "live", "written_at": unix seconds, "hosts": [...]}.
nlohmann::json hosts_json(const LiveHostsByName& hosts, std::int64_t written_at);

// Thread-safe.
class LiveHosts {
public:
    explicit LiveHosts(std::string file) : file_(std::move(file)) {}

    // Why nothing may be sent there; empty: it may. A host of the list is closed at all its ports,
    // but this machine at those of the list alone. Without a list that can be read, everything is
    // closed. The list is read again when it changed.
    std::string refusal(std::string_view host, int port);
    // The same of a URL.
    std::string refusal(const std::string& url);
    // Unix seconds; 0: it cannot be read.
    std::int64_t written_at();

private:
    void refresh();
    std::string read();

    std::string file_;
    std::mutex mutex_;
    bool tried_ = false;
    FileVersion version_;
    std::string problem_;
    std::int64_t written_at_ = 0;
    std::map<std::string, std::set<int>> closed_;  // by name or address in one spelling
};

}  // namespace tocsin::runtime
