// Thousands of webhook receivers in one thread: each answers a POST a set time after it has all of
// it, and any other request at once.
#pragma once

#include "runtime/base/time.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tocsin::bench {

class Audience {
public:
    // How long a receiver takes to answer, where nothing else is said.
    static constexpr std::chrono::milliseconds thinking{50};

    Audience();
    ~Audience();
    Audience(const Audience&) = delete;

    std::string origin() const;
    // The receiver `number` of a group.
    std::string url(const std::string& group, int number) const;
    // For all that come to the group from now on.
    void answer_after(const std::string& group, std::chrono::milliseconds time);

    // Takes no account of what came to it so far.
    void forget(const std::string& group);
    // When each POST to the group was there as a whole, in order; throws unless `count` have come
    // within `most`.
    std::vector<runtime::Time> await(const std::string& group, std::size_t count,
                                     std::chrono::milliseconds most) const;
    // The last POST to the group, headers and body.
    std::string last_request(const std::string& group) const;

private:
    struct Connection {
        std::uint64_t number = 0;
        std::string pending;
    };
    struct Group {
        std::chrono::milliseconds time = thinking;
        std::vector<runtime::Time> arrivals;
        std::string last;
    };
    struct Answer {
        int socket = -1;
        std::uint64_t connection = 0;
    };

    void serve();
    void accept_all();
    void read(int socket);
    // True once a whole request was taken off the front.
    bool take(int socket, Connection& connection);
    void answer_due();
    void close_socket(int socket);

    int listening_ = -1, events_ = -1, wake_ = -1;
    int port_ = 0;
    // Of the thread.
    std::uint64_t connections_made_ = 0;
    std::unordered_map<int, Connection> connections_;
    std::multimap<std::chrono::steady_clock::time_point, Answer> due_;

    mutable std::mutex mutex_;
    std::map<std::string, Group> groups_;
    std::thread thread_;
};

}  // namespace tocsin::bench
