#include "runtime/http/live_hosts.hpp"

#include "runtime/host/logs.hpp"
#include "runtime/http/place.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace tocsin::runtime {

static constexpr std::streamoff list_bytes_max = 16 << 20;

nlohmann::json hosts_json(const LiveHostsByName& hosts, std::int64_t written_at) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [name, host] : hosts)
        list.push_back({{"host", name}, {"ports", host.ports}, {"addresses", host.addresses}});
    return {{"world", "live"}, {"written_at", written_at}, {"hosts", std::move(list)}};
}

std::string LiveHosts::refusal(std::string_view host, int port) {
    const std::string name = one_spelling(host);
    const std::lock_guard guard(mutex_);
    refresh();
    if (!problem_.empty())
        return fmt::format(
            "the list of live hosts cannot be read ({}), and without it nothing leaves an exercise",
            problem_);
    const auto found = closed_.find(name);
    if (found == closed_.end() || (name == this_machine && !found->second.contains(port)))
        return {};
    return fmt::format(
        "{} belongs to a channel of the live world, and nothing from an exercise goes there: give "
        "the exercise a server of its own",
        name == this_machine ? fmt::format("{}:{}", name, port) : name);
}

std::string LiveHosts::refusal(const std::string& url) {
    const auto place = place_of(url);
    return place ? refusal(place->host, place->port) : "the URL names no host";
}

std::int64_t LiveHosts::written_at() {
    const std::lock_guard guard(mutex_);
    refresh();
    return problem_.empty() ? written_at_ : 0;
}

void LiveHosts::refresh() {
    const FileVersion now = FileVersion::of(file_);
    if (tried_ && now == version_) return;
    tried_ = true;
    version_ = now;
    problem_ = read();
    if (!problem_.empty())
        logs::error("the list of live hosts cannot be read", {{"file", file_}, {"why", problem_}});
}

// Why it is no list; empty: it was read.
std::string LiveHosts::read() {
    if (file_.empty()) return "live-hosts-file is not set";
    if (version_.size > list_bytes_max) return "it is too long";
    std::ifstream file(file_, std::ios::binary);
    if (!file) return fmt::format("{} is not there or cannot be opened", file_);
    const auto json = nlohmann::json::parse(file, nullptr, false);
    try {
        if (json.at("world") != "live") return "it is not of the live world";
        std::map<std::string, std::set<int>> closed;
        for (const auto& one : json.at("hosts")) {
            const auto ports = one.at("ports").get<std::set<int>>();
            auto names = one.at("addresses").get<std::set<std::string>>();
            names.insert(one.at("host").get<std::string>());
            for (const std::string& name : names)
                closed[one_spelling(name)].insert(ports.begin(), ports.end());
        }
        written_at_ = json.at("written_at").get<std::int64_t>();
        closed_ = std::move(closed);
    } catch (const nlohmann::json::exception&) {
        return fmt::format("{} is no such list", file_);
    }
    return {};
}

}  // namespace tocsin::runtime
