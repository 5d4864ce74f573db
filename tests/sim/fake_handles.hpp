// What one process has of a FakeKafka: its writers, its readers and what wakes it.
#pragma once

#include "sim/fake_kafka.hpp"

#include <atomic>

namespace tocsin::sim {

// Stands for the one descriptor on which a driver sleeps.
struct FakePulse {
    std::atomic<bool> woken = false;  // as a real one is written from any thread
    bool dead = false;                // the process died: nothing leaves it any more
};

// What a writer waits for.
struct FakeDesk {
    std::shared_ptr<FakePulse> pulse;
    std::uint64_t last = 0;
    std::map<std::uint64_t, runtime::LogWriter::Done> waiting;
    std::vector<std::pair<std::uint64_t, runtime::Stored>> reported;
    std::map<FakeKafka::Place, Tick> last_arrival;
};

class FakeWriter final : public runtime::LogWriter {
public:
    FakeWriter(FakeKafka& kafka, std::shared_ptr<FakePulse> pulse);
    ~FakeWriter() override;

    runtime::Queued append(const std::string& topic, int partition, std::string_view key,
                           std::string_view value, const runtime::Headers& headers,
                           Done done) override;
    void ask_range(const std::string& topic, int partition, milliseconds wait,
                   RangeAnswer answer) override;
    void ask_reachable(milliseconds wait, Answer answer) override { ask(wait, std::move(answer)); }
    void ask_warm(const std::string&, milliseconds wait, Answer answer) override {
        ask(wait, std::move(answer));
    }
    void poll() override;
    void flush(milliseconds) override {}
    void close() override;
    const std::string& fatal() const override { return fatal_; }
    bool take_trouble() override { return std::exchange(trouble_, false); }

    void trouble();
    bool belongs_to(const std::shared_ptr<FakePulse>& pulse) const { return desk_->pulse == pulse; }

private:
    struct Question {
        bool heard;
        Answer answer;
    };
    void ask(milliseconds wait, Answer answer);
    void tell(std::uint64_t ticket, const runtime::Stored& stored);

    FakeKafka& kafka_;
    std::shared_ptr<FakeDesk> desk_ = std::make_shared<FakeDesk>();
    std::multimap<Tick, Question> questions_;
    bool closed_ = false;
    bool trouble_ = false;
    std::string fatal_;
};

class FakeReader final : public runtime::LogReader {
public:
    FakeReader(FakeKafka& kafka, std::shared_ptr<FakePulse> pulse);
    ~FakeReader() override;

    bool start(int id, const std::string& topic, int partition, std::int64_t offset) override;
    void stop(int id) override { sources_.erase(id); }
    bool poll(Sink& sink, std::size_t replayed_max) override;
    std::optional<std::int64_t> high(int id) const override;
    bool take_trouble() override { return std::exchange(trouble_, false); }
    const std::string& fatal() const override { return fatal_; }

    void trouble();
    void stall(const FakeKafka::Place& place, bool with_handle);
    void wake() { pulse_->woken = true; }
    void wake_if_it_reads(const FakeKafka::Log& log);
    bool belongs_to(const std::shared_ptr<FakePulse>& pulse) const { return pulse_ == pulse; }

private:
    struct Source {
        FakeKafka::Place place;
        const FakeKafka::Log* log = nullptr;
        std::int64_t next = 0;
        std::int64_t high = -1;
        std::int64_t end_told = -1;
        Tick lags_until{};
        bool ended = false;
        bool stalled = false;
    };
    std::size_t deliver(Sink& sink, int id, Source& source, std::size_t most);

    FakeKafka& kafka_;
    std::shared_ptr<FakePulse> pulse_;
    std::map<int, Source> sources_;
    std::set<FakeKafka::Place> dead_;
    int last_ = -1;
    bool trouble_ = false;
    std::string fatal_;
};

// Lives as long as the handles that it made. Ended, it leaves what was sent to its fate.
class FakeConnection final : public runtime::LogBackend {
public:
    explicit FakeConnection(FakeKafka& kafka) : kafka_(kafka) {}
    ~FakeConnection() override { kafka_.cut_off(pulse_); }
    FakeConnection(const FakeConnection&) = delete;

    std::unique_ptr<runtime::LogWriter> writer() override;
    std::unique_ptr<runtime::LogReader> reader() override;
    void discard(std::unique_ptr<runtime::LogReader>) override {}
    void wait(milliseconds) override;
    // A turn takes no time here.
    bool urgent() const override { return false; }
    void wake() override { pulse_->woken = true; }

    // Whether there is something to poll, or to do, that was not there at the last call.
    bool woken() const { return pulse_->woken; }
    void take_woken() { pulse_->woken = false; }
    // Whether the process died in the middle of what it did.
    bool dead() const { return pulse_->dead; }
    // All brokers seem down to this process, for a moment.
    void trouble();

private:
    FakeKafka& kafka_;
    std::shared_ptr<FakePulse> pulse_ = std::make_shared<FakePulse>();
};

}  // namespace tocsin::sim
