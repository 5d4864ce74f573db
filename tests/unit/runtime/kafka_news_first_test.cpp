// Two readers as one: which of them reads what, and that nothing is told twice or left out.
#include "runtime/kafka/kafka_news_first.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tocsin::runtime {
namespace {

using Offsets = std::vector<std::int64_t>;

// One log, of which each reader delivers as much as it is told to.
class Reader final : public LogReader {
public:
    bool start(int source, const std::string&, int, std::int64_t offset) override {
        at_[source] = offset;
        return starts;
    }
    void stop(int source) override { at_.erase(source); }
    bool poll(Sink& sink, std::size_t) override {
        for (auto& [source, offset] : at_) {
            if (source == lost) sink.on_out_of_range(source);
            for (int left = each; left > 0 && offset < end; --left, ++offset)
                sink.on_record(source, offset, {}, {}, {});
            if (each > 0 && offset == end) sink.on_end(source, offset);
        }
        return !at_.empty();
    }
    std::optional<std::int64_t> high(int) const override { return end; }
    bool take_trouble() override { return false; }
    const std::string& fatal() const override { return fatal_; }
    bool reads(int source) const { return at_.contains(source); }

    int each = 0;  // records of a source in one poll
    std::int64_t end = 0;
    int lost = -1;
    bool starts = true;

private:
    std::map<int, std::int64_t> at_;
    std::string fatal_;
};

struct NewsFirstTest : ::testing::Test, LogReader::Sink {
    void on_record(int, std::int64_t offset, std::string_view, std::string_view, Time) override {
        told.push_back(offset);
    }
    void on_end(int, std::int64_t offset) override { ends.push_back(offset); }
    void on_out_of_range(int) override { ++out_of_range; }
    void on_trouble(int, const std::string&) override {}

    void poll() { both.poll(*this, 1000); }
    void grow(std::int64_t end) { history.end = news.end = end; }
    // The source has moved, and the reader of news delivers it.
    void move(int source) {
        history.each = news.each = 100;
        both.start(source, "log", source, 0);
        poll();
        poll();
        EXPECT_TRUE(news.reads(source));
        told.clear();
    }

    Reader* history_ = new Reader;
    Reader* news_ = new Reader;
    Reader& history = *history_;
    Reader& news = *news_;
    NewsFirst both{std::unique_ptr<LogReader>(history_), std::unique_ptr<LogReader>(news_)};
    Offsets told, ends;
    int out_of_range = 0;
};

TEST_F(NewsFirstTest, HistoryIsReadByOneAndNewsByTheOther) {
    grow(3);
    history.each = 2;
    both.start(7, "log", 0, 0);
    poll();
    EXPECT_FALSE(news.reads(7));
    poll();
    EXPECT_EQ(ends, Offsets{3});
    EXPECT_TRUE(news.reads(7)) << "it is at its end";
    EXPECT_TRUE(history.reads(7)) << "until the other one delivers";
    news.each = 1;
    poll();
    EXPECT_FALSE(history.reads(7));
    EXPECT_EQ(told, (Offsets{0, 1, 2}));
}

TEST_F(NewsFirstTest, WhatBothDeliverIsToldOnce) {
    history.each = 100;
    both.start(7, "log", 0, 0);
    poll();
    grow(2);
    poll();  // by the reader of history
    grow(4);
    news.each = 100;
    poll();
    grow(5);
    poll();
    EXPECT_EQ(told, (Offsets{0, 1, 2, 3, 4}));
}

TEST_F(NewsFirstTest, StartedAgainItBeginsWithHistory) {
    grow(4);
    move(7);
    both.start(7, "log", 0, 1);
    EXPECT_FALSE(news.reads(7));
    poll();
    EXPECT_EQ(told, (Offsets{1, 2, 3}));
}

TEST_F(NewsFirstTest, OneThatCannotBeStartedIsReadOnWhereItIs) {
    news.starts = false;
    history.each = 100;
    both.start(7, "log", 0, 0);
    poll();
    grow(1);
    poll();
    EXPECT_EQ(told, Offsets{0});
    EXPECT_TRUE(history.reads(7));
}

TEST_F(NewsFirstTest, WhileHistoryIsReadSomethingElseKeepsItsReaderAwake) {
    grow(4);
    move(1);
    EXPECT_FALSE(history.reads(1));
    history.each = 1;
    both.start(2, "log", 2, 0);
    poll();
    EXPECT_TRUE(history.reads(1));
    history.each = 100;
    poll();
    poll();
    EXPECT_FALSE(history.reads(1)) << "nothing is left to be read";
}

TEST_F(NewsFirstTest, AnOffsetThatIsGoneIsToldOnce) {
    move(7);
    history.lost = news.lost = 7;
    both.start(7, "log", 0, 0);
    poll();
    grow(1);
    poll();
    EXPECT_EQ(out_of_range, 1);
    EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace tocsin::runtime
