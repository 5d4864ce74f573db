// Runs the queries to Kafka that block, on a thread of its own, one after another.
// ask() and poll() are safe from any thread; answers are given within poll(). Destroyed, it waits
// for the question that is under way and gives no answer any more.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tocsin::runtime {

class KafkaQuestions {
public:
    using Answer = std::move_only_function<void()>;
    // Asks, waiting at most so long, and returns the answer to give. No time left: it asks nothing
    // and returns the answer for a broker that did not reply.
    using Question = std::move_only_function<Answer(std::chrono::milliseconds left)>;

    // `answered` is called, on the asking thread, when poll() has something to do.
    explicit KafkaQuestions(std::function<void()> answered) : answered_(std::move(answered)) {}
    ~KafkaQuestions() { close(); }
    KafkaQuestions(const KafkaQuestions&) = delete;

    // A question whose `wait` passed before its turn came gets no time: a broker that is silent
    // costs all who ask one wait, not one each.
    void ask(std::chrono::milliseconds wait, Question question);
    void poll();
    // Answers everything that is left as if no broker had replied, and ends the thread.
    void close();

private:
    using Deadline = std::chrono::steady_clock::time_point;
    struct Asked {
        Deadline until;
        Question question;
    };
    void run();

    std::function<void()> answered_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Asked> asked_;
    std::vector<Answer> answers_;
    bool closed_ = false;
    std::thread thread_;  // started by the first question
};

}  // namespace tocsin::runtime
