#include "runtime/kafka/kafka_log.hpp"

#include "runtime/kafka/kafka_news_first.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tocsin::runtime {

// How long the broker holds a fetch that finds nothing.
static constexpr auto fetch_wait = std::chrono::milliseconds(100);
static constexpr auto fetch_wait_of_history = std::chrono::milliseconds(20);
// Of all partitions of one topic that are replayed at once. Half of it lasts the second for which
// librdkafka 2.0.2 looks away when all of its queues are full.
static constexpr std::size_t replay_kbytes = 131'072;
static constexpr std::size_t source_kbytes_min = 16'384;

KafkaLog::KafkaLog(KafkaAccess access, int partitions)
    : access_(std::move(access)),
      partitions_(partitions),
      event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      history_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (event_fd_ < 0 || history_fd_ < 0) throw std::runtime_error("kafka: no eventfd");
}

KafkaLog::~KafkaLog() {
    ending_.clear();
    close(event_fd_);
    close(history_fd_);
}

std::unique_ptr<LogWriter> KafkaLog::writer() {
    return std::make_unique<KafkaWriter>(access_, event_fd_);
}

std::unique_ptr<LogReader> KafkaLog::reader() {
    const auto share = replay_kbytes / static_cast<std::size_t>(std::max(partitions_, 1));
    const auto one = [&](int event_fd, std::chrono::milliseconds wait) {
        return std::make_unique<KafkaReader>(access_, event_fd, wait, KafkaPace::prompt,
                                             std::max(share, source_kbytes_min));
    };
    return std::make_unique<NewsFirst>(one(history_fd_, fetch_wait_of_history),
                                       one(event_fd_, fetch_wait));
}

void KafkaLog::discard(std::unique_ptr<LogReader> reader) {
    std::erase_if(ending_, [](const auto& one) {
        return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    ending_.push_back(
        std::async(std::launch::async, [reader = std::move(reader)]() mutable { reader.reset(); }));
}

void KafkaLog::wait(std::chrono::milliseconds most) {
    std::array<pollfd, 2> wanted{{{event_fd_, POLLIN, 0}, {history_fd_, POLLIN, 0}}};
    ::poll(wanted.data(), wanted.size(), static_cast<int>(most.count()));
    for (const pollfd& one : wanted) {
        std::uint64_t drained = 0;
        while (::read(one.fd, &drained, sizeof drained) > 0) {
        }
    }
}

bool KafkaLog::urgent() const {
    pollfd wanted{event_fd_, POLLIN, 0};
    return ::poll(&wanted, 1, 0) > 0;
}

void KafkaLog::wake() {
    const std::uint64_t one = 1;
    if (::write(event_fd_, &one, sizeof one) < 0) return;  // Full: it is awake already.
}

}  // namespace tocsin::runtime
