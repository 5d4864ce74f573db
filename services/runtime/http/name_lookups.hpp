// Looks up names (DNS) away from any loop. libcurl would start a thread for each request, and wait
// for it when the request is over, on the loop that serves everybody: getaddrinfo cannot be
// interrupted. Here a lookup that nobody waits for any more is left to itself, and there is a bound
// on how many there are: those of owners (realms) whose names are never answered leave room for the
// others'.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::runtime {

// Numeric addresses in the order in which to try them; else why there are none.
using Addresses = std::expected<std::vector<std::string>, std::string>;
using LookUp = std::function<Addresses(const std::string& host)>;

// As the system does it; may take minutes.
Addresses look_up_by_system(const std::string& host);

class NameLookups {
public:
    // Lookups at a time, each in a thread of its own.
    static constexpr int at_once_max = 32;
    static constexpr int of_owner_max = 4;
    // Of those, kept for owners that have none under way.
    static constexpr int first_of_owner = 16;
    // What was found is used for so long, as libcurl does by default.
    static constexpr std::chrono::seconds lifetime{60};
    static constexpr std::size_t known_max = 4096;

    using Done = std::move_only_function<void(const Addresses&)>;

    explicit NameLookups(LookUp look_up);
    // Waits for no lookup; no `done` is called any more.
    ~NameLookups();
    NameLookups(const NameLookups&) = delete;

    // What is known by now; nothing: it must be looked up.
    std::optional<std::vector<std::string>> known(const std::string& host);
    // `done` runs on some thread, or at once where none can be started, and must only post; the
    // number is for give_up(). Calls for the same owner and name share one lookup.
    std::uint64_t ask(const std::string& owner, const std::string& host, Done done);
    // `done` is not called any more. What has not begun, and nobody else waits for, never does.
    void give_up(std::uint64_t number);

private:
    struct State;
    std::shared_ptr<State> state_;  // the threads' as well
};

}  // namespace tocsin::runtime
