// Which messages go past a bulk send, and who gets the next place in it.
#include "publishing/lanes.hpp"

#include "samples.hpp"

#include <deque>
#include <vector>

namespace tocsin::publishing {
namespace {

Job job_of(const content::Content& content) {
    Job job;
    const std::string bytes = content::serialise(content);
    job.approved = std::make_shared<const Approved>(bytes, content::digest(bytes));
    return job;
}

Job job_of(content::v1::Severity severity) {
    content::Content content = samples::make_content();
    content.mutable_draft()->set_severity(severity);
    return job_of(content);
}

TEST(Lanes, ExtremeAndSevereMessagesAreUrgent) {
    EXPECT_TRUE(is_urgent(job_of(content::v1::SEVERITY_EXTREME)));
    EXPECT_TRUE(is_urgent(job_of(content::v1::SEVERITY_SEVERE)));
    EXPECT_FALSE(is_urgent(job_of(content::v1::SEVERITY_MODERATE)));
    EXPECT_FALSE(is_urgent(job_of(content::v1::SEVERITY_MINOR)));
    EXPECT_FALSE(is_urgent(job_of(content::v1::SEVERITY_UNKNOWN)));
}

TEST(Lanes, CorrectionsAreUrgentWhateverTheySay) {
    Job retraction = job_of(content::v1::SEVERITY_MINOR);
    retraction.delivery.set_purpose(v1::PURPOSE_RETRACTION);
    EXPECT_TRUE(is_urgent(retraction));
    for (const auto type : {content::v1::MESSAGE_TYPE_UPDATE, content::v1::MESSAGE_TYPE_CANCEL}) {
        content::Content content = samples::make_content();
        content.mutable_draft()->set_severity(content::v1::SEVERITY_MINOR);
        content.set_message_type(type);
        EXPECT_TRUE(is_urgent(job_of(content)));
    }
}

TEST(Lanes, WhatCannotBeReadIsUrgent) {
    EXPECT_TRUE(is_urgent(Job{}));
    Job job;
    job.approved = std::make_shared<const Approved>("no content", "");
    EXPECT_TRUE(is_urgent(job));
}

// Places of a lane, and who has had one.
struct Places {
    std::deque<std::move_only_function<void()>> posted;
    BulkLane lane;
    std::vector<int> entered;

    explicit Places(std::size_t number)
        : lane(number, [this](auto task) { posted.push_back(std::move(task)); }) {}

    runtime::Task<void> enter(int who) {
        co_await lane.enter();
        entered.push_back(who);
    }
    void run() {
        while (!posted.empty()) {
            auto task = std::move(posted.front());
            posted.pop_front();
            task();
        }
    }
};

TEST(Lanes, PlacesAreGivenInTheOrderInWhichTheyWereAskedFor) {
    Places places{2};
    for (int who = 1; who <= 5; ++who) runtime::spawn(places.enter(who));
    EXPECT_EQ(places.entered, (std::vector{1, 2}));
    EXPECT_EQ(places.lane.waiting(), 3U);
    places.lane.leave();
    EXPECT_EQ(places.entered, (std::vector{1, 2})) << "not within the one that leaves";
    places.run();
    EXPECT_EQ(places.entered, (std::vector{1, 2, 3}));
    for (int i = 0; i < 4; ++i) places.lane.leave();
    places.run();
    EXPECT_EQ(places.entered, (std::vector{1, 2, 3, 4, 5}));
    EXPECT_EQ(places.lane.waiting(), 0U);
    runtime::spawn(places.enter(6));
    EXPECT_EQ(places.entered.back(), 6) << "a place is free again";
}

}  // namespace
}  // namespace tocsin::publishing
