// Who did what, how fast and when last, and who is out of practice.
#include "measurement/practice_watch.hpp"
#include "support/metric_value.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "unit/measurement/stage.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tocsin::measurement {
namespace {

using samples::Stage;
using testing::at;
using ::testing::ElementsAre;
using testing::foreign;
using ::testing::IsEmpty;

runtime::Foreign submitted(const std::string& person, int seconds,
                           content::v1::MessageType type = content::v1::MESSAGE_TYPE_ALERT) {
    content::v1::Content content;
    content.set_message_type(type);
    drafting::v1::Event event;
    event.set_message_id("msg-1");
    event.mutable_message_submitted()->set_submitter(person);
    event.mutable_message_submitted()->set_content(content.SerializeAsString());
    return foreign<drafting::v1::Event>("drafting", "bow", {event}, at(seconds));
}

approval::v1::Approval approval(const std::string& person, int seconds) {
    approval::v1::Approval given;
    given.set_approver(person);
    given.set_agency_id("calgary");
    *given.mutable_approve_time() = runtime::to_proto(at(seconds));
    return given;
}

runtime::Foreign approved(const std::string& person, int seconds) {
    approval::v1::Event event;
    event.set_message_id("msg-1");
    *event.mutable_approval_given()->mutable_approval() = approval(person, seconds);
    return foreign<approval::v1::Event>("approval", "bow", {event}, at(seconds));
}

// By the last of two.
runtime::Foreign cleared(const std::string& first, const std::string& last, int seconds) {
    approval::v1::Event event;
    event.set_message_id("msg-1");
    *event.mutable_cleared()->add_approvals() = approval(last, seconds);
    *event.mutable_cleared()->add_approvals() = approval(first, seconds - 5);
    return foreign<approval::v1::Event>("approval", "bow", {event}, at(seconds));
}

runtime::Foreign retracted(const std::string& person, int seconds) {
    publishing::v1::Event event = samples::retraction_armed();
    event.mutable_retraction_armed()->set_actor(person);
    return samples::publishing({event}, seconds);
}

// Ana submits, Ben and Dora approve, and Dora takes it back once it is public.
Stage practised_way() {
    Stage stage;
    stage(foreign<drafting::v1::Event>("drafting", "bow", {samples::message_created()}, at(8)));
    stage(submitted("ana", 20));
    stage(approved("ben", 50));
    stage(approved("dora", 55));
    stage(cleared("ben", "dora", 55));
    stage(samples::publishing({samples::planned(), samples::armed()}, 56));
    stage(samples::publishing({samples::settled("d1", samples::confirmed, 60, 61)}, 61));
    stage(retracted("dora", 90));
    return stage;
}

void expect(const Practice& practice, const std::string& person, v1::Act act, int last,
            double took) {
    const auto practised = practice.of(person, act);
    ASSERT_TRUE(practised) << person;
    EXPECT_EQ(practised->count, 1) << person;
    EXPECT_EQ(practised->last, at(last)) << person;
    EXPECT_EQ(practised->median, took) << person;
}

TEST(Practice, IsWhatEachPersonDidAndHowLongItTook) {
    const Stage stage = practised_way();
    const Practice& practice = stage.realm.practice();
    expect(practice, "ana", v1::ACT_SUBMITTED, 20, 12);
    expect(practice, "ben", v1::ACT_APPROVED, 50, 30);
    expect(practice, "dora", v1::ACT_APPROVED, 55, 35);
    expect(practice, "dora", v1::ACT_RELEASED, 55, 35);
    expect(practice, "dora", v1::ACT_CORRECTED, 90, 30);
    EXPECT_EQ(practice.all().size(), 5U) << "and nothing else";
}

TEST(Practice, AnUpdateAndAStopAreCorrectionsToo) {
    Stage stage;
    stage(foreign<drafting::v1::Event>("drafting", "bow", {samples::message_created()}, at(8)));
    stage(submitted("ana", 20, content::v1::MESSAGE_TYPE_UPDATE));
    stage(cleared("ben", "dora", 30));
    stage(samples::publishing({samples::planned()}, 31));
    publishing::v1::Event stopped = samples::of_release();
    stopped.mutable_release_cancelled()->set_actor("dora");
    stage(samples::publishing({stopped}, 40));
    expect(stage.realm.practice(), "ana", v1::ACT_CORRECTED, 20, 12);
    expect(stage.realm.practice(), "dora", v1::ACT_CORRECTED, 40, 10);
}

TEST(Practice, ARuleIsNobody) {
    Stage stage;
    stage(submitted("service:drafting", 20));
    EXPECT_THAT(stage.realm.practice().all(), IsEmpty());
}

TEST(Practice, TheMedianIsOfTheLatestTwenty) {
    Practice practice;
    for (int i = 1; i <= 30; ++i) {
        Card card;
        v1::Event event = event_of("msg-" + std::to_string(i));
        auto& reached = *event.mutable_milestone_reached();
        auto& point = *reached.mutable_milestone();
        point.set_kind(v1::MILESTONE_KIND_SUBMITTED);
        *point.mutable_at() = runtime::to_proto(at(0));
        card.reached(event);
        point.set_kind(v1::MILESTONE_KIND_APPROVED);
        point.set_person("ben");
        *point.mutable_at() = runtime::to_proto(at(i));
        card.reached(event);
        practice.reached(card, reached);
    }
    const auto practised = practice.of("ben", v1::ACT_APPROVED);
    ASSERT_TRUE(practised);
    EXPECT_EQ(practised->count, 30);
    EXPECT_EQ(practised->last, at(30));
    EXPECT_EQ(practised->median, 21);
}

// ---- the other world, and who is out of practice

class PracticeWatchTest : public ::testing::Test {
protected:
    PracticeWatchTest() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "tocsin-practice-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        approval::v1::Event event;
        auto& people = *event.mutable_roster_imported()->mutable_roster();
        for (const auto& [subject, role] : {std::pair{"ana", "author"},
                                            {"ben", "approver"},
                                            {"dora", "duty-officer"},
                                            {"eve", "analyst"}}) {
            auto& person = *people.add_people();
            person.set_subject(subject);
            person.set_name(subject);
            person.set_agency_id("calgary");
            person.add_roles(role);
        }
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        decision.mutable_accepted()->add_events(event.SerializeAsString());
        roster_.apply({"approval", 0, 0, at(1), decision, true});
    }
    ~PracticeWatchTest() override { std::filesystem::remove_all(folder_); }

    std::string file() const { return folder_ + "/practice.json"; }
    v1::PersonPractice row(const PracticeWatch& watch, const std::string& subject,
                           const Practice& practice, Time now) const {
        return watch.row("bow", practice, *roster_.snapshot("bow")->person(subject, "calgary"),
                         now);
    }
    std::optional<double> out(const char* role) {
        return testing::metric_value(metrics_, "tocsin_people_out_of_practice",
                                     {{"realm", "bow"}, {"agency", "calgary"}, {"role", role}});
    }

    std::string folder_;
    runtime::Metrics metrics_{""};
    MeasurementView view_{1, metrics_, "test"};
    runtime::Roster roster_{1};
};

TEST_F(PracticeWatchTest, WhoDidNothingInARoleForTooLongIsOutOfPractice) {
    const Stage stage = practised_way();
    const Practice& practice = stage.realm.practice();
    const PracticeWatch watch({"exercise", "", "", 30}, metrics_, view_, roster_);
    const Time soon = at(100), late = at(90) + std::chrono::days{30} + std::chrono::seconds{1};
    for (const char* person : {"ana", "ben", "dora", "eve"})
        EXPECT_THAT(row(watch, person, practice, soon).out_of_practice(), IsEmpty()) << person;
    EXPECT_THAT(row(watch, "ana", practice, late).out_of_practice(), ElementsAre("author"));
    EXPECT_THAT(row(watch, "ben", practice, late).out_of_practice(), ElementsAre("approver"));
    EXPECT_THAT(row(watch, "dora", practice, late).out_of_practice(), ElementsAre("duty-officer"));
    EXPECT_THAT(row(watch, "eve", practice, late).out_of_practice(), IsEmpty()) << "needs none";
    EXPECT_FALSE(row(watch, "eve", practice, soon).has_last_time());
    EXPECT_EQ(runtime::from_proto(row(watch, "dora", practice, late).last_time()), at(90));
}

TEST_F(PracticeWatchTest, TheLiveWorldKnowsWhatTheExerciseWrote) {
    const Time now = at(100);
    const auto acts = practised_way().realm.practice().all();
    std::ofstream(file()) << practice_json(
        {now.time_since_epoch().count() / 1'000'000, {{"bow", acts}}});
    PracticeWatch watch({"live", "", file(), 30}, metrics_, view_, roster_);
    watch.look(now);
    EXPECT_GT(watch.exercise_time(), 0);
    const v1::PersonPractice dora = row(watch, "dora", {}, now);
    ASSERT_EQ(dora.acts_size(), 3);
    for (const auto& act : dora.acts()) EXPECT_EQ(act.world(), "exercise");
    EXPECT_EQ(dora.acts(2).act(), v1::ACT_CORRECTED);
    EXPECT_EQ(dora.acts(2).median_seconds(), 30);
    EXPECT_THAT(dora.out_of_practice(), IsEmpty());
    EXPECT_EQ(out("duty-officer"), 0);
    EXPECT_EQ(out("analyst"), std::nullopt);
    // What is no longer readable does not make people forget.
    std::ofstream(file()) << "{";
    watch.look(now);
    EXPECT_EQ(row(watch, "dora", {}, now).acts_size(), 3);
    watch.look(now + std::chrono::days{31});
    EXPECT_EQ(out("duty-officer"), 1);
}

TEST_F(PracticeWatchTest, AFileOfAnotherWorldOrShapeIsRefused) {
    for (const char* text :
         {"", "{", "[]", "{}", R"({"world": "live", "written_at": 1, "realms": {}})",
          R"({"world": "exercise", "written_at": 1})",
          R"({"world": "exercise", "written_at": 1, "realms": {"bow": [{}]}})"})
        EXPECT_FALSE(practice_of(text)) << text;
    EXPECT_TRUE(practice_of(R"({"world": "exercise", "written_at": 0, "realms": {}})"));
}

}  // namespace
}  // namespace tocsin::measurement
