// Bodies of responses that are being sent, by what they take of memory: one that many connections
// send counts once. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace tocsin::gateway {

class Unsent {
public:
    using Body = std::shared_ptr<const std::string>;

    void add(const Body& body);
    void remove(const Body& body);
    std::size_t bytes() const { return bytes_; }
    // What one connection's end would free, on average of those that send the same.
    std::size_t share(const Body& body) const;

private:
    std::map<const std::string*, std::size_t> senders_;
    std::size_t bytes_ = 0;
};

}  // namespace tocsin::gateway
