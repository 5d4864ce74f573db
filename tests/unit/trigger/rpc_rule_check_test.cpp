// What a rule is refused for when it is put, beyond what the decider refuses.
#include "runtime/ledger/record.hpp"
#include "support/given.hpp"
#include "support/sample_message.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "trigger/event.hpp"
#include "trigger/rule_check.hpp"
#include "unit/trigger/folded.hpp"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

namespace tocsin::trigger {
namespace {

using namespace std::chrono_literals;
using testing::at;
using ::testing::HasSubstr;

// The reason of a refusal, and the field of what was not found; empty: there is none.
std::string reason_of(const std::optional<grpc::Status>& status) {
    google::rpc::Status all;
    if (!status || !all.ParseFromString(status->error_details())) return {};
    std::string reason, field;
    for (const auto& detail : all.details()) {
        if (google::rpc::ErrorInfo info; detail.UnpackTo(&info)) reason = info.reason();
        if (google::rpc::BadRequest bad; detail.UnpackTo(&bad))
            field = bad.field_violations(0).field();
    }
    return reason == "NOT_FOUND" ? reason + " " + field : reason;
}

class RuleCheckTest : public ::testing::Test {
protected:
    RuleCheckTest() {
        source("bow-gauge");
        drafting::v1::Event incident;
        auto& opened = *incident.mutable_incident_opened()->mutable_incident();
        opened.set_incident_id("inc-1");
        opened.add_agencies("city");
        happened("drafting", incident);
        for (const char* name : {"flood", "high-water"}) {
            drafting::v1::Event stored;
            auto& source = *stored.mutable_template_stored()->mutable_template_();
            source.set_template_id(name);
            source.set_expires_after_seconds(3600);
            *source.mutable_draft() = content::samples::make_draft();
            source.mutable_draft()->clear_onset();
            source.mutable_draft()->clear_evidence();
            source.mutable_draft()->clear_agencies();
            happened("drafting", stored);
        }
        put_.set_rule_id("bow-high");
        put_.set_source_id("bow-gauge");
        put_.set_series("05BH004:level");
        put_.set_threshold(3);
        put_.set_template_id("flood");
        put_.set_incident_id("inc-1");
    }

    template <class Event>
    void happened(const char* service, const Event& event) {
        fold(realm_, service, event);
    }
    void source(const std::string& id) {
        v1::Event event;
        auto& source = *event.mutable_source_put()->mutable_source();
        source.set_source_id(id);
        source.set_agency_id("city");
        source.set_format("eccc-csv");
        source.set_active(true);
        happened("trigger", event);
    }
    // As it is asked for.
    void rule_is_known() {
        v1::Event event = event_of(put_.rule_id());
        auto& rule = *event.mutable_rule_put()->mutable_rule();
        rule.set_rule_id(put_.rule_id());
        rule.set_agency_id("city");
        rule.set_source_id(put_.source_id());
        rule.set_series(put_.series());
        rule.set_unit(put_.unit());
        rule.set_active(true);
        happened("trigger", event);
    }
    void meet(const std::string& series, const std::string& unit) {
        v1::Readings body;
        body.set_source_id("bow-gauge");
        body.set_series(series);
        body.set_unit(unit);
        *body.add_readings()->mutable_read_at() = runtime::to_proto(at(0));
        runtime::Foreign foreign;
        foreign.realm = "bow";
        foreign.at = at(1);
        foreign.events.push_back(body.SerializeAsString());
        heard_.met(foreign);
    }
    RuleCheck check() const { return check_rule(caller_, realm_, heard_, put_, at(0)); }
    std::string reason() const { return reason_of(check().refused); }
    std::string text() const {
        const auto refused = check().refused;
        return refused ? refused->error_message() : "";
    }

    runtime::Caller caller_{"ana", "bow", "city", {"duty-officer"}};
    Realm realm_;
    Heard heard_{[] { return Heard::Tick{}; }};
    v1::PutRuleRequest put_;
};

TEST_F(RuleCheckTest, ARuleThatCanBeDraftedFromIsTaken) {
    meet("05BH004:level", "m");
    EXPECT_FALSE(check().refused);
    EXPECT_FALSE(check().unheard);
}

TEST_F(RuleCheckTest, ASourceThatIsNotThereIsRefusedWithOneLikeIt) {
    put_.set_source_id("bow-guage");
    EXPECT_EQ(reason(), "NOT_FOUND source_id");
    EXPECT_THAT(text(), HasSubstr("did you mean `bow-gauge`?"));
    put_.set_source_id("x");
    EXPECT_THAT(text(), HasSubstr("put it first"));
}

TEST_F(RuleCheckTest, ASourceOutOfUseIsNotSuggested) {
    source("elbow");
    v1::Event removed;
    removed.mutable_source_removed()->set_source_id("elbow");
    happened("trigger", removed);
    put_.set_source_id("elbo");
    EXPECT_THAT(text(), HasSubstr("put it first"));
    put_.set_source_id("elbow");
    EXPECT_EQ(reason(), "NOT_FOUND source_id");
}

TEST_F(RuleCheckTest, ATemplateThatIsNotThereIsRefusedWithOneLikeIt) {
    put_.set_template_id("high-watre");
    EXPECT_EQ(reason(), "NOT_FOUND template_id");
    EXPECT_THAT(text(), HasSubstr("did you mean `high-water`?"));
    put_.set_template_id("avalanche");
    EXPECT_THAT(text(), HasSubstr("store it first"));
}

TEST_F(RuleCheckTest, ATemplateOfWhichNoMessageCouldBeMadeIsRefused) {
    drafting::v1::Event stored;
    stored.mutable_template_stored()->mutable_template_()->set_template_id("flood");
    stored.mutable_template_stored()->mutable_template_()->mutable_draft()->add_agencies("county");
    happened("drafting", stored);
    EXPECT_EQ(reason(), "TEMPLATE_WITHOUT_AGENCY");
    stored.mutable_template_stored()->mutable_template_()->mutable_draft()->clear_agencies();
    happened("drafting", stored);
    EXPECT_EQ(reason(), "TEMPLATE_INCOMPLETE");
}

TEST_F(RuleCheckTest, AnAgencyOutsideTheIncidentIsRefused) {
    caller_.agency = "county";
    EXPECT_EQ(reason(), "AGENCY_NOT_IN_INCIDENT");
    EXPECT_THAT(text(), HasSubstr("agency `county` does not take part in incident"));
    put_.set_incident_id("inc-9");
    EXPECT_EQ(reason(), "NOT_FOUND incident_id");
}

TEST_F(RuleCheckTest, ASeriesThatTheSourceDoesNotBringIsRefused) {
    meet("05BH005:level", "m");
    EXPECT_EQ(reason(), "NOT_FOUND series");
    EXPECT_THAT(text(), HasSubstr("did you mean `05BH005:level`?"));
}

TEST_F(RuleCheckTest, AnotherUnitThanThatOfTheSeriesIsRefused) {
    put_.set_unit("ft");
    meet("05BH004:level", "m");
    EXPECT_EQ(reason(), "UNIT_DIFFERS");
    EXPECT_THAT(text(), HasSubstr("arrives in m"));
    put_.set_unit("m");
    EXPECT_EQ(reason(), "");
    put_.set_unit("");
    EXPECT_EQ(reason(), "");
}

TEST_F(RuleCheckTest, ARuleIsCorrectedWhileItsSeriesIsSilent) {
    rule_is_known();
    meet("05BH005:level", "m");
    put_.set_template_id("high-water");
    EXPECT_EQ(reason(), "");
    EXPECT_FALSE(check().unheard);
    // What it did not read before is checked.
    put_.set_series("05BH006:level");
    EXPECT_EQ(reason(), "NOT_FOUND series");
}

TEST_F(RuleCheckTest, ARuleIsCorrectedWhileItsSeriesComesInAnotherUnit) {
    put_.set_unit("ft");
    rule_is_known();
    meet("05BH004:level", "m");
    put_.set_template_id("high-water");
    EXPECT_EQ(reason(), "");
    put_.set_unit("yd");
    EXPECT_EQ(reason(), "UNIT_DIFFERS");
}

TEST_F(RuleCheckTest, OfASourceThatBroughtNothingNoSeriesCanBeChecked) {
    EXPECT_TRUE(check().unheard);
    EXPECT_FALSE(check().refused);
    rule_is_known();
    EXPECT_FALSE(check().unheard) << "it reads that already";
}

TEST(FirstPoll, IsWaitedForUntilItBringsNothing) {
    const FirstPoll::Tick begin{1h};
    const FirstPoll first_poll(begin, 10s);
    v1::SourceHealth known;
    EXPECT_TRUE(first_poll.may_come(known, begin + 2900ms));
    EXPECT_FALSE(first_poll.may_come(known, begin + FirstPoll::patience));
    known.set_polls(1);
    EXPECT_FALSE(first_poll.may_come(known, begin)) << "it brought nothing";
    known.set_readings(2);
    EXPECT_TRUE(first_poll.may_come(known, begin)) << "they are on their way";
    known.set_error("HTTP 500");
    EXPECT_FALSE(first_poll.may_come(known, begin));
}

TEST(FirstPoll, IsNotWaitedForBeyondTheCallersTime) {
    const FirstPoll::Tick begin{1h};
    EXPECT_TRUE(FirstPoll(begin, 1s).may_come({}, begin + 499ms));
    EXPECT_FALSE(FirstPoll(begin, 1s).may_come({}, begin + 500ms));
    EXPECT_FALSE(FirstPoll(begin, -1s).may_come({}, begin));
}

}  // namespace
}  // namespace tocsin::trigger
