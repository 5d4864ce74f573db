// A gauge on loopback that shows a river rise, and a receiver of webhooks.
#pragma once

#include "bench/floor.hpp"
#include "unit/runtime/local_server.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

namespace tocsin::bench {

// Serves a CSV as ECCC does, always its last two readings: one below the threshold, one above. Each
// rise is two readings more; the request that sees it first is when the line begins.
class River {
public:
    static constexpr double threshold = 850;
    static constexpr const char* series = "05BH004:discharge";

    River();
    std::string url() const { return server_.url("/gauge.csv"); }
    // Rises; returns when it was first served, or nothing when nobody asked within 10 s.
    std::optional<Clock::time_point> rise();

private:
    bool serve(int socket);
    std::string csv() const;

    std::mutex mutex_;
    std::condition_variable served_;
    int rises_ = 0;
    bool awaited_ = false;
    Clock::time_point served_at_;
    runtime::LocalServer server_;  // last: it calls the others
};

// Takes whatever is sent.
class Receiver {
public:
    Receiver();
    std::string origin() const { return server_.url(""); }
    std::string url() const { return server_.url("/hook"); }

private:
    runtime::LocalServer server_;
};

}  // namespace tocsin::bench
