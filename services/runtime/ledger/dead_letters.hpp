// Inputs that could not be decided, on their way to the topic of dead letters. Each is sent until
// it is stored, less and less often; one that no log takes is given up, so that its partition goes
// on. Ledger thread only; the writer calls no callback once this is destroyed if it was closed
// before.
//
// Bounded: of each input of a partition there is one at a time, since the partition waits for it.
#pragma once

#include "runtime/host/clock.hpp"
#include "runtime/ledger/log.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace tocsin::runtime {

struct DeadLetter {
    int partition = 0;
    int input = 0;
    std::int64_t offset = 0;
    std::string input_topic;
    std::string bytes;
    std::string reason;
};

class DeadLetters {
public:
    // What is kept of a letter; with its headers it fits into any topic of ours. The whole record
    // remains where it was read for as long as that is kept; the headers name the place.
    static constexpr std::size_t bytes_max = 900'000;
    static constexpr std::size_t reason_bytes_max = 1'000;
    static constexpr std::chrono::milliseconds retry_first{50};
    static constexpr std::chrono::milliseconds retry_last{5'000};

    // `kept`: the letter is stored, or never will be. `fails`: why one is not stored for now.
    DeadLetters(LogWriter& writer, const Clock& clock, std::string topic, std::string service,
                std::function<void(int partition, int input, std::int64_t offset)> kept,
                std::function<void(const std::string& why)> fails);
    DeadLetters(const DeadLetters&) = delete;

    void keep(DeadLetter letter);
    // The inputs of a partition are read again, and what is still wanted is ordered again.
    void forget(int partition);
    // Sends again what is due.
    void turn(Tick tick);
    std::optional<Tick> next() const;
    std::size_t size() const { return letters_.size(); }

private:
    using Key = std::pair<int, int>;  // partition and input
    struct Letter {
        std::int64_t offset = 0;
        std::string bytes;
        Headers headers;
        bool on_its_way = false;
        Tick due{};
        std::chrono::milliseconds pause = retry_first;
    };
    void send(const Key& key, Letter& letter);
    void sent(const Key& key, std::int64_t offset, const Stored& stored);
    void not_stored(Letter& letter, const std::string& why) const;
    void put_off(Letter& letter) const;
    void too_large(const Key& key, std::int64_t offset);
    void done(const Key& key, std::int64_t offset);

    LogWriter& writer_;
    const Clock& clock_;
    std::string topic_;
    std::string service_;
    std::function<void(int, int, std::int64_t)> kept_;
    std::function<void(const std::string&)> fails_;
    std::map<Key, Letter> letters_;
};

}  // namespace tocsin::runtime
