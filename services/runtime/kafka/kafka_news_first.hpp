// Reads news past history: two readers with a connection each. A client of Kafka has one fetch
// under way, and what was just stored would wait behind megabytes of what is read again. So each
// source begins with the reader of history and moves at its end to that of news. Until the latter
// delivers, both read it, so that nothing is late; what comes twice is delivered once. One thread.
#pragma once

#include "runtime/ledger/log.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace tocsin::runtime {

class NewsFirst final : public LogReader {
public:
    NewsFirst(std::unique_ptr<LogReader> history, std::unique_ptr<LogReader> news);
    ~NewsFirst() override;
    NewsFirst(const NewsFirst&) = delete;

    bool start(int source, const std::string& topic, int partition, std::int64_t offset) override;
    void stop(int source) override;
    bool poll(Sink& sink, std::size_t replayed_max) override;
    std::optional<std::int64_t> high(int source) const override;
    bool take_trouble() override;
    const std::string& fatal() const override;

private:
    class Feed;  // what one of the readers delivers
    struct Source {
        std::string topic;
        int partition = 0;
        std::int64_t next = 0;
        bool moves = false;  // it was at its end once
        bool moved = false;  // that one delivers
        bool gone = false;   // its offset does not exist; what still comes is left over
    };

    bool move(int id);
    void keep_beating();

    std::unique_ptr<LogReader> history_, news_;
    std::map<int, Source> sources_;
    std::set<int> moving_;     // sources to be started with the one, or stopped with the other
    std::optional<int> beat_;  // the source that is read with both
};

}  // namespace tocsin::runtime
