// A client of Kafka that answers for some topics by itself, as a real one does where rights are
// missing: nothing of it leaves. FakeKafka has only what happens on the way and at the broker.
#pragma once

#include "runtime/ledger/log.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tocsin::sim {

using ClientAnswers = std::map<std::string, runtime::Queued>;  // by topic

// `answers` lives longer, and may change meanwhile.
class AnsweringWriter final : public runtime::LogWriter {
public:
    AnsweringWriter(std::unique_ptr<runtime::LogWriter> writer, const ClientAnswers& answers)
        : writer_(std::move(writer)), answers_(answers) {}

    runtime::Queued append(const std::string& topic, int partition, std::string_view key,
                           std::string_view value, const runtime::Headers& headers,
                           Done done) override {
        const auto found = answers_.find(topic);
        if (found != answers_.end()) return found->second;
        return writer_->append(topic, partition, key, value, headers, std::move(done));
    }
    void ask_range(const std::string& topic, int partition, std::chrono::milliseconds wait,
                   RangeAnswer answer) override {
        writer_->ask_range(topic, partition, wait, std::move(answer));
    }
    void ask_reachable(std::chrono::milliseconds wait, Answer answer) override {
        writer_->ask_reachable(wait, std::move(answer));
    }
    void ask_warm(const std::string& topic, std::chrono::milliseconds wait,
                  Answer answer) override {
        writer_->ask_warm(topic, wait, std::move(answer));
    }
    void poll() override { writer_->poll(); }
    void flush(std::chrono::milliseconds wait) override { writer_->flush(wait); }
    void close() override { writer_->close(); }
    const std::string& fatal() const override { return writer_->fatal(); }
    bool take_trouble() override { return writer_->take_trouble(); }

private:
    std::unique_ptr<runtime::LogWriter> writer_;
    const ClientAnswers& answers_;
};

class AnsweringBackend final : public runtime::LogBackend {
public:
    AnsweringBackend(std::unique_ptr<runtime::LogBackend> backend, const ClientAnswers& answers)
        : backend_(std::move(backend)), answers_(answers) {}

    std::unique_ptr<runtime::LogWriter> writer() override {
        return std::make_unique<AnsweringWriter>(backend_->writer(), answers_);
    }
    std::unique_ptr<runtime::LogReader> reader() override { return backend_->reader(); }
    void discard(std::unique_ptr<runtime::LogReader> reader) override {
        backend_->discard(std::move(reader));
    }
    void wait(std::chrono::milliseconds most) override { backend_->wait(most); }
    bool urgent() const override { return backend_->urgent(); }
    void wake() override { backend_->wake(); }

private:
    std::unique_ptr<runtime::LogBackend> backend_;
    const ClientAnswers& answers_;
};

}  // namespace tocsin::sim
