#include "runtime/kafka/kafka_news_first.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::runtime {

class NewsFirst::Feed final : public LogReader::Sink {
public:
    Feed(NewsFirst& owner, Sink& sink, bool news) : owner_(owner), sink_(sink), news_(news) {}

    void on_record(int id, std::int64_t offset, std::string_view key, std::string_view value,
                   Time stored_at) override {
        Source& source = heard(id);
        if (source.gone || offset < source.next) return;
        source.next = offset + 1;
        sink_.on_record(id, offset, key, value, stored_at);
    }
    void on_end(int id, std::int64_t offset) override {
        Source& source = heard(id);
        if (source.gone || offset < source.next) return;
        if (!news_ && !std::exchange(source.moves, true)) owner_.moving_.insert(id);
        sink_.on_end(id, offset);
    }
    void on_out_of_range(int id) override {
        Source& source = owner_.sources_.at(id);
        if (!std::exchange(source.gone, true)) sink_.on_out_of_range(id);
    }
    void on_trouble(int id, const std::string& what) override { sink_.on_trouble(id, what); }

private:
    Source& heard(int id) {
        Source& source = owner_.sources_.at(id);
        if (news_ && !std::exchange(source.moved, true)) owner_.moving_.insert(id);
        return source;
    }

    NewsFirst& owner_;
    Sink& sink_;
    bool news_;
};

NewsFirst::NewsFirst(std::unique_ptr<LogReader> history, std::unique_ptr<LogReader> news)
    : history_(std::move(history)), news_(std::move(news)) {}

NewsFirst::~NewsFirst() = default;

bool NewsFirst::start(int id, const std::string& topic, int partition, std::int64_t offset) {
    stop(id);
    if (!history_->start(id, topic, partition, offset)) return false;
    Source& source = sources_[id];
    source.topic = topic;
    source.partition = partition;
    source.next = offset;
    return true;
}

void NewsFirst::stop(int id) {
    if (sources_.erase(id) == 0) return;
    moving_.erase(id);
    if (beat_ == id) beat_.reset();
    history_->stop(id);
    news_->stop(id);
}

bool NewsFirst::poll(Sink& sink, std::size_t replayed_max) {
    Feed news(*this, sink, true);
    Feed history(*this, sink, false);
    const bool any = news_->poll(news, replayed_max);
    const bool more = history_->poll(history, replayed_max);
    std::erase_if(moving_, [this](int id) { return move(id); });
    keep_beating();
    return any || more;
}

// False: it is read on where it is, and tried again.
bool NewsFirst::move(int id) {
    const Source& source = sources_.at(id);
    if (!source.moved) return news_->start(id, source.topic, source.partition, source.next);
    if (!beat_)
        beat_ = id;
    else
        history_->stop(id);
    return true;
}

void NewsFirst::keep_beating() {
    const bool behind = std::ranges::any_of(
        sources_, [](const auto& entry) { return !entry.second.moves && !entry.second.gone; });
    if (behind == beat_.has_value()) return;
    if (!behind) return history_->stop(*std::exchange(beat_, std::nullopt));
    const auto moved =
        std::ranges::find_if(sources_, [](const auto& entry) { return entry.second.moved; });
    if (moved == sources_.end()) return;
    const auto& [id, source] = *moved;
    if (history_->start(id, source.topic, source.partition, source.next)) beat_ = id;
}

std::optional<std::int64_t> NewsFirst::high(int id) const {
    return std::max(history_->high(id), news_->high(id));
}

bool NewsFirst::take_trouble() {
    const bool history = history_->take_trouble();
    return news_->take_trouble() || history;
}

const std::string& NewsFirst::fatal() const {
    return history_->fatal().empty() ? news_->fatal() : history_->fatal();
}

}  // namespace tocsin::runtime
