// Who may put and remove a source, and which.
#include "trigger/source.hpp"

#include "unit/trigger/commands.hpp"

#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using namespace cases;

TEST(Source, ADutyOfficerPutsASource) {
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

TEST(Source, ARealmHasAtMost200SourcesAndAnAgencyHalfOfThem) {
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

TEST(Source, ASourceIsPolledWithoutAUserInItsUrl) {
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

TEST(Source, WhatIsPutAgainIsNoLongerAmongTheRemoved) {
    auto given = officer();
    for (int i = 0; i < 1100; ++i) {
        ASSERT_EQ(given.when(put_source(60 + i)).refused(), "");
        ASSERT_EQ(given.when(remove_source()).refused(), "");
    }
    given.when(put_source());
    EXPECT_EQ(given.state().sources.removed(), 0U);
    EXPECT_TRUE(given.state().sources.contains("bow"));
    EXPECT_EQ(given.etag(), "2201");
}

TEST(Source, TheSameSourceAgainIsNothingNew) {
    auto given = officer();
    given.when(put_source()).when(put_source());
    EXPECT_TRUE(given.events().empty());
    EXPECT_EQ(given.etag(), "1");
    given.when(put_source(30));
    EXPECT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.etag(), "2");
}

TEST(Source, ASourceHasABoundOnItsEditors) {
    auto given = officer();
    for (int i = 0; i < 100; ++i)
        ASSERT_EQ(given.by("officer-" + std::to_string(i), "calgary", {"admin"})
                      .when(put_source(10 + i))
                      .refused(),
                  "");
    EXPECT_EQ(given.by("one-more", "calgary", {"admin"}).when(put_source(500)).refused(),
              "too_many_editors");
}

TEST(Source, OnlyItsOwnAgencyReplacesASource) {
    auto given = officer();
    given.when(put_source());
    given.by("pia", "alberta", {"admin"}).when(put_source(30));
    EXPECT_EQ(given.refused(), "other_agency");
    EXPECT_EQ(given.rejection()->field, "source_id");
}

TEST(Source, ASourceNeedsAFormatThatIsKnown) {
    auto command = put_source();
    command.mutable_put_source()->set_format("carrier-pigeon");
    auto given = officer();
    EXPECT_EQ(given.when(command).refused(), "unknown_format");
    EXPECT_EQ(given.rejection()->field, "format");
}

TEST(Source, ARemovedSourceIsOffAndCanBePutAgain) {
    auto given = officer();
    given.when(put_source());
    given.when(remove_source());
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].source_removed().source_id(), "bow");
    EXPECT_EQ(given.etag(), "2");
    EXPECT_EQ(given.when(put_rule()).refused(), "not_found");
    given.when(remove_source());
    EXPECT_TRUE(given.events().empty()) << "it is off already";
    given.when(put_source());
    EXPECT_EQ(given.etag(), "3");
    EXPECT_EQ(given.when(put_rule()).refused(), "");
}

TEST(Source, ASourceThatARuleReadsIsNotRemoved) {
    auto given = officer();
    given.when(put_source());
    given.when(put_rule());
    EXPECT_EQ(given.when(remove_source()).refused(), "source_in_use");
    given.when(remove_rule());
    EXPECT_EQ(given.when(remove_source()).refused(), "");
}

TEST(Source, OnlyItsOwnAgencyRemovesASource) {
    auto given = officer();
    EXPECT_EQ(given.when(remove_source()).refused(), "not_found");
    EXPECT_EQ(given.rejection()->field, "source_id");
    given.when(put_source());
    given.by("paul", "alberta", {"duty-officer"});
    EXPECT_EQ(given.when(remove_source()).refused(), "other_agency");
    given.by("ana", "calgary", {"author"});
    EXPECT_EQ(given.when(remove_source()).refused(), "role_missing");
}

}  // namespace
}  // namespace tocsin::trigger
