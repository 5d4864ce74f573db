#include "runtime/ledger/dead_letters.hpp"

#include "runtime/host/logs.hpp"
#include "runtime/ledger/topics.hpp"

#include <algorithm>

namespace tocsin::runtime {

DeadLetters::DeadLetters(LogWriter& writer, const Clock& clock, std::string topic,
                         std::string service, std::function<void(int, int, std::int64_t)> kept,
                         std::function<void(const std::string&)> fails)
    : writer_(writer),
      clock_(clock),
      topic_(std::move(topic)),
      service_(std::move(service)),
      kept_(std::move(kept)),
      fails_(std::move(fails)) {}

void DeadLetters::keep(DeadLetter asked) {
    const Key key{asked.partition, asked.input};
    const auto found = letters_.find(key);
    if (found != letters_.end() && found->second.offset == asked.offset) return;
    logs::error("input could not be decided; kept as a dead letter",
                {{"service", service_},
                 {"topic", asked.input_topic},
                 {"partition", asked.partition},
                 {"offset", asked.offset},
                 {"why", asked.reason}});
    Letter letter;
    letter.offset = asked.offset;
    letter.headers = {{"tocsin_error_reason", asked.reason.substr(0, reason_bytes_max)},
                      {"tocsin_error_topic", asked.input_topic},
                      {"tocsin_error_partition", std::to_string(asked.partition)},
                      {"tocsin_error_offset", std::to_string(asked.offset)},
                      {"tocsin_error_bytes", std::to_string(asked.bytes.size())}};
    if (asked.bytes.size() > bytes_max) {
        asked.bytes.resize(bytes_max);
        letter.headers.emplace_back("tocsin_error_cut", "true");
    }
    letter.bytes = std::move(asked.bytes);
    send(key, letters_.insert_or_assign(key, std::move(letter)).first->second);
}

void DeadLetters::send(const Key& key, Letter& letter) {
    const std::int64_t offset = letter.offset;
    const Queued queued =
        writer_.append(topic_, key.first, service_, letter.bytes, letter.headers,
                       [this, key, offset](const Stored& stored) { sent(key, offset, stored); });
    letter.on_its_way = queued == Queued::queued;
    if (letter.on_its_way) return;
    if (queued == Queued::too_large) return too_large(key, offset);
    // The process ends; the topic may be well.
    if (queued == Queued::dead) return put_off(letter);
    not_stored(letter, not_queued_text(topic_, queued));
}

// Logged once of each.
void DeadLetters::not_stored(Letter& letter, const std::string& why) const {
    if (letter.pause == retry_first)
        logs::warn(
            "a dead letter could not be stored; trying again",
            {{"service", service_}, {"topic", topic_}, {"offset", letter.offset}, {"why", why}});
    fails_(why);
    put_off(letter);
}

void DeadLetters::put_off(Letter& letter) const {
    letter.due = clock_.tick() + letter.pause;
    letter.pause = std::min(letter.pause * 2, retry_last);
}

void DeadLetters::sent(const Key& key, std::int64_t offset, const Stored& stored) {
    if (stored.kind == Stored::Kind::too_large) return too_large(key, offset);
    const auto found = letters_.find(key);
    const bool known = found != letters_.end() && found->second.offset == offset;
    if (!stored.ok()) {
        if (!known) return;
        found->second.on_its_way = false;
        return not_stored(found->second, not_stored_text(topic_, stored));
    }
    done(key, offset);
}

void DeadLetters::too_large(const Key& key, std::int64_t offset) {
    logs::error(
        "a dead letter is too large for its topic, whose max.message.bytes was lowered; "
        "the record is where it was read until it is deleted there",
        {{"service", service_}, {"topic", topic_}, {"partition", key.first}, {"offset", offset}});
    done(key, offset);
}

void DeadLetters::done(const Key& key, std::int64_t offset) {
    const auto found = letters_.find(key);
    if (found != letters_.end() && found->second.offset == offset) letters_.erase(found);
    kept_(key.first, key.second, offset);
}

void DeadLetters::forget(int partition) {
    std::erase_if(letters_, [&](const auto& entry) { return entry.first.first == partition; });
}

void DeadLetters::turn(Tick tick) {
    for (auto entry = letters_.begin(); entry != letters_.end();) {
        const auto next = std::next(entry);
        if (!entry->second.on_its_way && entry->second.due <= tick)
            send(entry->first, entry->second);
        entry = next;
    }
}

std::optional<Tick> DeadLetters::next() const {
    std::optional<Tick> due;
    for (const auto& [key, letter] : letters_)
        if (!letter.on_its_way && (!due || letter.due < *due)) due = letter.due;
    return due;
}

}  // namespace tocsin::runtime
