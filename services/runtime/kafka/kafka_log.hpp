// Kafka as the log of one driver: its handles, and the two descriptors on which it sleeps.
#pragma once

#include "runtime/kafka/kafka.hpp"
#include "runtime/ledger/log.hpp"

#include <future>
#include <vector>

namespace tocsin::runtime {

class KafkaLog final : public LogBackend {
public:
    // `partitions`: how many of a topic are read at once; what a reader keeps follows from it.
    KafkaLog(KafkaAccess access, int partitions);
    ~KafkaLog() override;
    KafkaLog(const KafkaLog&) = delete;

    std::unique_ptr<LogWriter> writer() override;
    std::unique_ptr<LogReader> reader() override;
    void discard(std::unique_ptr<LogReader> reader) override;
    void wait(std::chrono::milliseconds most) override;
    bool urgent() const override;
    void wake() override;

private:
    KafkaAccess access_;
    int partitions_;
    int event_fd_;                           // what is news, stored, answered or posted
    int history_fd_;                         // what is replayed: it waits for the others
    std::vector<std::future<void>> ending_;  // of readers that were discarded
};

}  // namespace tocsin::runtime
