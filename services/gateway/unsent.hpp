// Responses that are being sent, by what their bodies take of memory: one that many connections
// send counts once. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace tocsin::gateway {

class Unsent {
public:
    using Body = std::shared_ptr<const std::string>;
    using Time = std::chrono::steady_clock::time_point;

    struct Response {
        std::string address;
        Body body;
        Time since;
    };
    // By which a response is known here: the address of whatever sends it.
    using Sender = const void*;

    void add(Sender sender, Response response);
    // Nothing happens where it is not known, or no more.
    void remove(Sender sender);
    std::size_t bytes() const { return bytes_; }

    // Whose response is given up for the memory of the others: of the address whose responses take
    // the most, the oldest. None that began less than `grace` ago while there are others, and never
    // `newest`. Null: there is none.
    Sender to_give_up(Sender newest, Time now, std::chrono::milliseconds grace) const;

private:
    // What the end of one of those that send the same would free, on average.
    std::size_t share(const Body& body) const;
    std::map<std::string, std::size_t> by_address() const;

    std::map<Sender, Response> responses_;
    std::map<const std::string*, std::size_t> senders_;
    std::size_t bytes_ = 0;
};

}  // namespace tocsin::gateway
