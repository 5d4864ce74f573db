// Who may put what.
#include "trigger/decider.hpp"

#include "support/given.hpp"

#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using testing::Given;

v1::Command put_source(double poll_seconds = 60) {
    v1::Command command;
    auto& put = *command.mutable_put_source();
    put.set_source_id("bow");
    put.set_format("eccc-csv");
    put.set_url("https://dd.weather.gc.ca/hydrometric/csv/AB/hourly/AB_hourly_hydrometric.csv");
    put.set_poll_seconds(poll_seconds);
    return command;
}

v1::Command put_rule(double threshold = 1000) {
    v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id("bow-high");
    put.set_source_id("bow");
    put.set_series("05BH004:discharge");
    put.set_threshold(threshold);
    put.set_template_id("river-high");
    put.set_incident_id("flood");
    return command;
}

v1::Command remove_rule() {
    v1::Command command;
    command.mutable_remove_rule()->set_rule_id("bow-high");
    return command;
}

v1::Command remove_source() {
    v1::Command command;
    command.mutable_remove_source()->set_source_id("bow");
    return command;
}

Given<Decider> officer() {
    Given<Decider> given;
    given.by("dora", "calgary", {"duty-officer"});
    return given;
}

TEST(Decider, ADutyOfficerPutsASource) {
    auto given = officer();
    given.when(put_source());
    ASSERT_EQ(given.events().size(), 1U);
    const auto& source = given.events()[0].source_put().source();
    EXPECT_EQ(source.agency_id(), "calgary");
    EXPECT_TRUE(source.active());
    EXPECT_EQ(source.stale_seconds(), 7200) << "unset means two hours";
    EXPECT_EQ(given.subject(), "bow");
    EXPECT_EQ(given.etag(), "1");
}

TEST(Decider, ARealmHasAtMost200SourcesAndAnAgencyHalfOfThem) {
    auto given = officer();
    v1::Command command = put_source();
    const auto one_more = [&](const std::string& id) {
        command.mutable_put_source()->set_source_id(id);
        return given.when(command).refused();
    };
    for (const char* agency : {"calgary", "alberta"}) {
        given.by("olga", agency, {"duty-officer"});
        for (int i = 0; i < 100; ++i) ASSERT_EQ(one_more(fmt::format("{}-{}", agency, i)), "");
        EXPECT_EQ(one_more("one-more"), "too_many_sources");
    }
    EXPECT_EQ(given.by("ida", "police", {"duty-officer"}).request("other").when(command).refused(),
              "too_many_sources");
    given.by("olga", "alberta", {"duty-officer"});
    command.mutable_put_source()->set_source_id("alberta-7");
    command.mutable_put_source()->set_poll_seconds(5);
    EXPECT_EQ(given.when(command).refused(), "") << "one that is there may be replaced";
}

TEST(Decider, ASourceIsPolledWithoutAUserInItsUrl) {
    for (const char* url :
         {"https://user:secret@gauges.example/a.csv", "http://user@gauges.example",
          "https://@gauges.example/", "https://:secret@gauges.example/", "https:///a.csv",
          "https://a@b@gauges.example?x=/", "http://user\\@gauges.example#/"}) {
        auto given = officer();
        v1::Command command = put_source();
        command.mutable_put_source()->set_url(url);
        EXPECT_EQ(given.when(command).refused(), "url_with_secret") << url;
    }
    auto given = officer();
    v1::Command command = put_source();
    command.mutable_put_source()->set_url("https://gauges.example/a.csv?mail=who@gauges.example");
    EXPECT_EQ(given.when(command).refused(), "") << "that is no user";
}

TEST(Decider, WhatWasRemovedMakesRoom) {
    auto given = officer();
    v1::Command source = put_source(), gone = remove_source();
    v1::Command rule = put_rule(), off = remove_rule();
    given.when(source);
    for (int i = 0; i < 2100; ++i) {
        rule.mutable_put_rule()->set_rule_id("rule-" + std::to_string(i));
        off.mutable_remove_rule()->set_rule_id("rule-" + std::to_string(i));
        ASSERT_EQ(given.when(rule).refused(), "") << i;
        ASSERT_EQ(given.when(off).refused(), "") << i;
    }
    for (int i = 0; i < 1100; ++i) {
        source.mutable_put_source()->set_source_id("gauge-" + std::to_string(i));
        gone.mutable_remove_source()->set_source_id("gauge-" + std::to_string(i));
        ASSERT_EQ(given.when(source).refused(), "") << i;
        ASSERT_EQ(given.when(gone).refused(), "") << i;
    }
    EXPECT_EQ(given.state().sources.size(), 1001U) << "the first that were removed are forgotten";
    EXPECT_EQ(given.state().rules.size(), 1000U);
    EXPECT_EQ(given.when(gone).refused(), "") << "the last is still known";
    gone.mutable_remove_source()->set_source_id("gauge-0");
    EXPECT_EQ(given.when(gone).refused(), "source_not_found");
}

TEST(Decider, WhatIsPutAgainIsNoLongerAmongTheRemoved) {
    auto given = officer();
    for (int i = 0; i < 1100; ++i) {
        ASSERT_EQ(given.when(put_source(60 + i)).refused(), "");
        ASSERT_EQ(given.when(remove_source()).refused(), "");
    }
    given.when(put_source());
    EXPECT_TRUE(given.state().removed_sources.ids.empty());
    EXPECT_TRUE(given.state().sources.contains("bow"));
    EXPECT_EQ(given.etag(), "2201");
}

TEST(Decider, AnAuthorMayPutNothing) {
    Given<Decider> given;
    given.by("ana", "calgary", {"author"});
    EXPECT_EQ(given.when(put_source()).refused(), "role_missing");
    EXPECT_EQ(given.when(put_rule()).refused(), "role_missing");
    EXPECT_EQ(given.when(remove_rule()).refused(), "role_missing");
}

TEST(Decider, TheSameSourceAgainIsNothingNew) {
    auto given = officer();
    given.when(put_source()).when(put_source());
    EXPECT_TRUE(given.events().empty());
    EXPECT_EQ(given.etag(), "1");
    given.when(put_source(30));
    EXPECT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.etag(), "2");
}

template <class Thing>
std::vector<std::string> hands_of(const Thing& thing) {
    return {thing.hands().begin(), thing.hands().end()};
}

TEST(Decider, WhoeverPutsASourceOrARuleTakesAHandInWhatItLeadsTo) {
    auto given = officer();
    given.when(put_source()).when(put_rule());
    given.by("eli", "calgary", {"admin"}).when(put_source(30)).when(put_rule(900));
    // Who changes nothing has written nothing.
    given.by("fay", "calgary", {"admin"}).when(put_source(30)).when(put_rule(900));
    const std::vector<std::string> both{"dora", "eli"};
    EXPECT_EQ(hands_of(given.state().sources.find("bow")->source), both);
    EXPECT_EQ(hands_of(given.state().rules.find("bow-high")->rule), both);
}

TEST(Decider, ASourceHasABoundOnItsHands) {
    auto given = officer();
    for (int i = 0; i < 100; ++i)
        ASSERT_EQ(given.by("officer-" + std::to_string(i), "calgary", {"admin"})
                      .when(put_source(10 + i))
                      .refused(),
                  "");
    EXPECT_EQ(given.by("one-more", "calgary", {"admin"}).when(put_source(500)).refused(),
              "too_many_hands");
}

TEST(Decider, OnlyItsOwnAgencyReplacesASource) {
    auto given = officer();
    given.when(put_source());
    given.by("pia", "alberta", {"admin"}).when(put_source(30));
    EXPECT_EQ(given.refused(), "other_agency");
    EXPECT_EQ(given.rejection()->field, "source_id");
}

TEST(Decider, ASourceNeedsAFormatThatIsKnown) {
    auto command = put_source();
    command.mutable_put_source()->set_format("carrier-pigeon");
    auto given = officer();
    EXPECT_EQ(given.when(command).refused(), "unknown_format");
    EXPECT_EQ(given.rejection()->field, "format");
}

TEST(Decider, ARuleNeedsAThreshold) {
    auto given = officer();
    auto command = put_rule(0);
    EXPECT_EQ(given.when(put_source()).when(command).refused(), "");
    command.mutable_put_rule()->clear_threshold();
    EXPECT_EQ(given.when(command).refused(), "required");
    EXPECT_EQ(given.rejection()->field, "threshold");
}

// Otherwise it would wait for ever for a reading that no source sends.
TEST(Decider, ARuleNamesASeriesThatItsSourceCanHave) {
    const auto told = [](const char* format, const char* series) {
        auto given = officer();
        auto source = put_source();
        source.mutable_put_source()->set_format(format);
        auto rule = put_rule();
        rule.mutable_put_rule()->set_series(series);
        given.when(source).when(rule);
        if (given.refused().empty()) return std::string{};
        EXPECT_EQ(given.refused(), "unknown_series");
        EXPECT_EQ(given.rejection()->field, "series");
        return given.rejection()->text;
    };
    for (const char* good : {"05BH004:discharge", "05BH004:level"})
        EXPECT_EQ(told("eccc-csv", good), "");
    for (const char* good : {"03339000:00060", "03339000:00065:11878"})
        EXPECT_EQ(told("usgs-json", good), "");
    EXPECT_TRUE(told("eccc-csv", "05BH004:dischrge").ends_with("write 05BH004:discharge"));
    EXPECT_TRUE(told("eccc-csv", "05BH004:Level").contains("no parameter of eccc-csv"));
    EXPECT_TRUE(told("eccc-csv", "05BH004:00060").contains("no parameter of eccc-csv"));
    EXPECT_TRUE(told("eccc-csv", "08Mf005:level").ends_with("write 08MF005:level"));
    for (const char* bad : {"03339000:discharge", "03339000:0060", "03339000:O0060"})
        EXPECT_TRUE(told("usgs-json", bad).contains("five digits")) << bad;
    for (const char* bad : {"03339000:00060:11878:2", "03339000:00060:radar"})
        EXPECT_TRUE(told("usgs-json", bad).contains("no method id")) << bad;
}

TEST(Decider, ARuleNeedsItsSource) {
    auto given = officer();
    EXPECT_EQ(given.when(put_rule()).refused(), "source_not_found");
    EXPECT_EQ(given.rejection()->field, "source_id");
    EXPECT_EQ(given.rejection()->because, runtime::Because::not_found);
}

TEST(Decider, ARuleIsPutInUtcUnlessSaidOtherwise) {
    auto given = officer();
    given.when(put_source()).when(put_rule());
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].rule_put().rule().time_zone(), "UTC");
    EXPECT_TRUE(given.events()[0].rule_put().rule().active());
}

TEST(Decider, TheSameRuleAgainIsNothingNew) {
    auto given = officer();
    given.when(put_source()).when(put_rule()).when(put_rule());
    EXPECT_TRUE(given.events().empty());
    EXPECT_EQ(given.when(put_rule(900)).etag(), "2");
}

TEST(Decider, OnlyItsOwnAgencyReplacesOrRemovesARule) {
    auto given = officer();
    given.when(put_source()).when(put_rule());
    given.by("pia", "alberta", {"admin"});
    EXPECT_EQ(given.when(put_rule(900)).refused(), "other_agency");
    EXPECT_EQ(given.when(remove_rule()).refused(), "other_agency");
}

TEST(Decider, ARemovedRuleIsOffAndCanBePutAgain) {
    auto given = officer();
    given.when(put_source()).when(put_rule()).when(remove_rule());
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_FALSE(given.state().rules.find("bow-high")->rule.active());
    EXPECT_TRUE(given.state().watching.empty());
    given.when(remove_rule());
    EXPECT_EQ(given.refused(), "");
    EXPECT_TRUE(given.events().empty()) << "it is off already";
    given.when(put_rule());
    EXPECT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.etag(), "3");
}

TEST(Decider, AnUnknownRuleCannotBeRemoved) {
    auto given = officer();
    EXPECT_EQ(given.when(remove_rule()).refused(), "rule_not_found");
}

TEST(Decider, ARemovedSourceIsOffAndCanBePutAgain) {
    auto given = officer();
    given.when(put_source());
    given.when(remove_source());
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].source_removed().source_id(), "bow");
    EXPECT_EQ(given.etag(), "2");
    EXPECT_EQ(given.when(put_rule()).refused(), "source_not_found");
    given.when(remove_source());
    EXPECT_TRUE(given.events().empty()) << "it is off already";
    given.when(put_source());
    EXPECT_EQ(given.etag(), "3");
    EXPECT_EQ(given.when(put_rule()).refused(), "");
}

TEST(Decider, ASourceThatARuleReadsIsNotRemoved) {
    auto given = officer();
    given.when(put_source());
    given.when(put_rule());
    EXPECT_EQ(given.when(remove_source()).refused(), "source_in_use");
    given.when(remove_rule());
    EXPECT_EQ(given.when(remove_source()).refused(), "");
}

TEST(Decider, OnlyItsOwnAgencyRemovesASource) {
    auto given = officer();
    EXPECT_EQ(given.when(remove_source()).refused(), "source_not_found");
    given.when(put_source());
    given.by("paul", "alberta", {"duty-officer"});
    EXPECT_EQ(given.when(remove_source()).refused(), "other_agency");
    given.by("ana", "calgary", {"author"});
    EXPECT_EQ(given.when(remove_source()).refused(), "role_missing");
}

TEST(Decider, ASeriesHasABoundOnItsRules) {
    auto given = officer();
    given.when(put_source());
    for (int i = 0; i < 20; ++i) {
        auto command = put_rule();
        command.mutable_put_rule()->set_rule_id("rule-" + std::to_string(i));
        ASSERT_EQ(given.when(command).refused(), "");
    }
    EXPECT_EQ(given.when(put_rule()).refused(), "too_many_rules");
}

TEST(Decider, ACommandOfANewerVersionIsRefused) {
    auto given = officer();
    EXPECT_EQ(given.when(v1::Command{}).refused(), "unknown_command");
}

TEST(Decider, AnEventOfANewerVersionStopsTheService) {
    State state;
    EXPECT_FALSE(Decider::evolve(state, v1::Event{}, testing::at(0)));
}

}  // namespace
}  // namespace tocsin::trigger
