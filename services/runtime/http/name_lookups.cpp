#include "runtime/http/name_lookups.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace tocsin::runtime {

Addresses look_up_by_system(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    if (const int error = getaddrinfo(host.c_str(), nullptr, &wanted, &first); error != 0)
        return std::unexpected(std::string{gai_strerror(error)});
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(first, freeaddrinfo);
    std::vector<std::string> found;
    constexpr std::size_t addresses_max = 16;
    for (const addrinfo* one = first; one && found.size() < addresses_max; one = one->ai_next) {
        char text[INET6_ADDRSTRLEN] = {};
        const void* raw = nullptr;
        if (one->ai_family == AF_INET)
            raw = &reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr;
        else if (one->ai_family == AF_INET6)
            raw = &reinterpret_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr;
        if (raw && inet_ntop(one->ai_family, raw, text, sizeof text)) found.emplace_back(text);
    }
    if (found.empty()) return std::unexpected("it has no address");
    return found;
}

namespace {

using Tick = std::chrono::steady_clock::time_point;

struct Lookup {
    std::string owner;
    std::string host;
    std::map<std::uint64_t, NameLookups::Done> waiting;
};

struct Owner {
    int under_way = 0;
    std::deque<std::shared_ptr<Lookup>> queue;

    bool idle() const { return under_way == 0 && queue.empty(); }
};

struct Known {
    std::vector<std::string> addresses;
    Tick until;
};

}  // namespace

// All under the mutex, `done` too: so that none is called once this is over.
struct NameLookups::State {
    explicit State(LookUp how) : look_up(std::move(how)) {}

    const LookUp look_up;
    std::mutex mutex;
    bool over = false;
    std::uint64_t numbers = 0;
    int under_way = 0;
    std::map<std::string, Owner> owners;  // that are not idle
    std::string served;                   // the owner that had the last turn
    // By owner and host: what is under way or waits for its turn, for those who ask for it again.
    std::map<std::pair<std::string, std::string>, std::shared_ptr<Lookup>> shared;
    std::map<std::string, Known> found;  // by host

    bool may_begin(const Owner& owner) const {
        if (owner.queue.empty() || owner.under_way >= of_owner_max) return false;
        return under_way < (owner.under_way == 0 ? at_once_max : at_once_max - first_of_owner);
    }
    // The next in turn, counted as under way; null: there is none, or no room.
    std::shared_ptr<Lookup> next();
    void end(Lookup& lookup, const Addresses& addresses);
    void work(std::shared_ptr<Lookup> lookup);
    void keep(const std::string& host, const std::vector<std::string>& addresses);
    void forget(const Lookup& lookup);
};

std::shared_ptr<Lookup> NameLookups::State::next() {
    auto at = owners.upper_bound(served);
    for (std::size_t i = 0; i < owners.size(); ++i, ++at) {
        if (at == owners.end()) at = owners.begin();
        Owner& owner = at->second;
        if (!may_begin(owner)) continue;
        auto lookup = std::move(owner.queue.front());
        owner.queue.pop_front();
        ++owner.under_way;
        ++under_way;
        served = at->first;
        return lookup;
    }
    return nullptr;
}

void NameLookups::State::keep(const std::string& host, const std::vector<std::string>& addresses) {
    const Tick now = std::chrono::steady_clock::now();
    if (found.size() >= known_max)
        std::erase_if(found, [&](const auto& entry) { return entry.second.until <= now; });
    if (found.size() >= known_max) found.erase(found.begin());
    found[host] = {addresses, now + lifetime};
}

void NameLookups::State::forget(const Lookup& lookup) {
    shared.erase({lookup.owner, lookup.host});
    if (owners.at(lookup.owner).idle()) owners.erase(lookup.owner);
}

void NameLookups::State::end(Lookup& lookup, const Addresses& addresses) {
    --under_way;
    --owners.at(lookup.owner).under_way;
    forget(lookup);
    if (over) return;
    if (addresses) keep(lookup.host, *addresses);
    for (auto& [number, done] : lookup.waiting) done(addresses);
}

static Addresses look_up_or_say(const LookUp& look_up, const std::string& host) {
    try {
        return look_up(host);
    } catch (const std::exception& failure) {  // Of memory.
        return std::unexpected(std::string{failure.what()});
    }
}

// One lookup after the other, until none may begin.
void NameLookups::State::work(std::shared_ptr<Lookup> lookup) {
    while (lookup) {
        const Addresses addresses = look_up_or_say(look_up, lookup->host);
        const std::lock_guard lock(mutex);
        end(*lookup, addresses);
        lookup = over ? nullptr : next();
    }
}

NameLookups::NameLookups(LookUp look_up) : state_(std::make_shared<State>(std::move(look_up))) {}

NameLookups::~NameLookups() {
    const std::lock_guard lock(state_->mutex);
    state_->over = true;
}

std::optional<std::vector<std::string>> NameLookups::known(const std::string& host) {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->found.find(host);
    if (found == state_->found.end() || found->second.until <= std::chrono::steady_clock::now())
        return std::nullopt;
    return found->second.addresses;
}

std::uint64_t NameLookups::ask(const std::string& owner, const std::string& host, Done done) {
    State& state = *state_;
    const std::lock_guard lock(state.mutex);
    const std::uint64_t number = ++state.numbers;
    auto& lookup = state.shared[{owner, host}];
    if (!lookup) {
        lookup = std::make_shared<Lookup>(Lookup{owner, host, {}});
        state.owners[owner].queue.push_back(lookup);
    }
    lookup->waiting.emplace(number, std::move(done));
    while (auto begun = state.next()) {
        try {
            // On its own from here: nobody may have to wait for it.
            std::thread([kept = state_, begun] { kept->work(begun); }).detach();
        } catch (const std::system_error& failure) {
            state.end(*begun, std::unexpected(std::string{failure.what()}));
        }
    }
    return number;
}

void NameLookups::give_up(std::uint64_t number) {
    State& state = *state_;
    const std::lock_guard lock(state.mutex);
    const auto its = std::ranges::find_if(
        state.shared, [&](const auto& entry) { return entry.second->waiting.contains(number); });
    if (its == state.shared.end()) return;
    const auto lookup = its->second;
    lookup->waiting.erase(number);
    auto& queue = state.owners.at(lookup->owner).queue;
    const auto queued = std::ranges::find(queue, lookup);
    if (!lookup->waiting.empty() || queued == queue.end()) return;
    queue.erase(queued);
    state.forget(*lookup);
}

}  // namespace tocsin::runtime
