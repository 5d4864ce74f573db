#include "drafting/incident.hpp"

#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Incident, AlwaysIncludesTheCallersAgencyOnce) {
    Case test = given({});
    test.when(create_incident({"alberta", "calgary"}));
    const auto& opened = test.events().at(0).incident_opened().incident();
    EXPECT_EQ(opened.agencies_size(), 2);
    EXPECT_EQ(opened.agencies(0), "calgary");
    EXPECT_EQ(test.subject(), opened.incident_id());
}

TEST(Incident, NeedsAnAuthorOrDutyOfficer) {
    Case test = given({});
    EXPECT_EQ(test.by("ben", "calgary", {"approver"}).when(create_incident()).refused(),
              "role_missing");
}

TEST(Incident, OfTheSameRequestIsTheSameIncident) {
    Case test = given({});
    test.when(create_incident());
    const std::string id = test.subject();
    test.when(create_incident());
    EXPECT_TRUE(test.events().empty());
    EXPECT_EQ(test.subject(), id);
    test.request("r2").when(create_incident());
    EXPECT_NE(test.subject(), id);
}

}  // namespace
}  // namespace tocsin::drafting
