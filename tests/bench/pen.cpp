#include "bench/pen.hpp"

#include "bench/waiting.hpp"

#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

// A record that waits too long in the queue is given up.
static constexpr std::int64_t waiting_max = 20'000;
static constexpr std::size_t waiting_bytes_max = 64'000'000;

void Pen::append(const std::string& topic, int partition, const std::string& key,
                 const std::string& record, const runtime::Headers& headers) {
    ++wanted_;
    const std::size_t size = record.size();
    const bool queued = wait_until(60s, [&] {
        writer_.poll();
        if (wanted_ - stored_ - lost_ > waiting_max || bytes_ > waiting_bytes_max) return false;
        return writer_.append(topic, partition, key, record, headers,
                              [this, size](const runtime::Stored& stored) {
                                  ++(stored.ok() ? stored_ : lost_);
                                  bytes_ -= size;
                              }) == runtime::Queued::queued;
    });
    if (!queued) throw std::runtime_error(topic + " takes no records");
    bytes_ += size;
}

void Pen::finish() {
    const bool all = wait_until(60s, [this] {
        writer_.poll();
        return stored_ + lost_ == wanted_;
    });
    if (!all || lost_ > 0) throw std::runtime_error("the history could not be written");
}

}  // namespace tocsin::bench
