// Clients that read without pause: the public feed, over HTTP and over gRPC, and the lists.
#pragma once

#include "bench/stage.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::bench {

class Readers {
public:
    // As many read the feed, half of them through the gateway.
    static constexpr int feed_clients = 16;

    // They read from now on until this is destroyed.
    Readers(const Stage& stage, const Running& all);
    // Ends them; throws when one of them was refused. Reads answered by then.
    std::int64_t stop();

private:
    template <class Client>
    void start(Client read);

    std::atomic<bool> running_{true};
    std::atomic<std::int64_t> reads_{0};
    std::mutex mutex_;
    std::string failure_;
    std::vector<std::jthread> threads_;
};

}  // namespace tocsin::bench
