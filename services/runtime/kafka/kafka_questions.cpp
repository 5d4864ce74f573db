#include "runtime/kafka/kafka_questions.hpp"

#include <algorithm>

namespace tocsin::runtime {

using std::chrono::milliseconds;

void KafkaQuestions::ask(milliseconds wait, Question question) {
    const std::lock_guard guard(mutex_);
    if (closed_) {
        answers_.push_back(question(milliseconds(0)));
        return;
    }
    asked_.push_back({std::chrono::steady_clock::now() + wait, std::move(question)});
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_one();
}

void KafkaQuestions::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return closed_ || !asked_.empty(); });
        if (asked_.empty()) return;
        Asked next = std::move(asked_.front());
        asked_.pop_front();
        const bool closed = closed_;
        lock.unlock();
        const auto left =
            std::chrono::duration_cast<milliseconds>(next.until - std::chrono::steady_clock::now());
        Answer answer = next.question(closed ? milliseconds(0) : std::max(left, milliseconds(0)));
        lock.lock();
        answers_.push_back(std::move(answer));
        lock.unlock();
        answered_();
        lock.lock();
    }
}

void KafkaQuestions::poll() {
    std::vector<Answer> answers;
    {
        const std::lock_guard guard(mutex_);
        answers.swap(answers_);
    }
    for (Answer& answer : answers) answer();
}

void KafkaQuestions::close() {
    {
        const std::lock_guard guard(mutex_);
        closed_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

}  // namespace tocsin::runtime
