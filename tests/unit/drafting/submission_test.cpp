#include "drafting/submission.hpp"

#include "content/checks.hpp"
#include "content/content.hpp"
#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Submit, SerialisesTheContentOnceWithItsDigest) {
    Case test = given();
    test.when(submit("1"));
    ASSERT_EQ(test.refused(), "");
    const auto& submitted = test.events().at(0).message_submitted();
    EXPECT_EQ(submitted.digest(), content::digest(submitted.content()));
    const auto content = content::parse(submitted.content());
    ASSERT_TRUE(content.has_value());
    EXPECT_EQ(content->message_id(), "msg-1");
    EXPECT_EQ(content->revision(), 1);
    EXPECT_EQ(content->realm(), "bow");
    EXPECT_EQ(content->incident_id(), "inc-1");
    EXPECT_EQ(content->world(), "live");
    EXPECT_EQ(content->message_type(), content::v1::MESSAGE_TYPE_ALERT);
}

TEST(Submit, NeedsTheEtagReadBefore) {
    Case test = given();
    EXPECT_EQ(test.when(submit("7")).refused(), "stale_etag");
}

TEST(Submit, IsBlockedByErrorsThatAreNamed) {
    auto draft = samples::make_draft();
    draft.mutable_texts()->RemoveLast();
    Case test = given({incident(), message(draft)});
    EXPECT_EQ(test.when(submit("1")).refused(), "incomplete");
    EXPECT_NE(test.rejection()->field, "");
    EXPECT_NE(test.rejection()->text.find(" at "), std::string::npos);
}

TEST(Submit, NeedsEveryWarningAcknowledged) {
    auto draft = samples::make_draft();
    draft.clear_retraction();
    Case test = given({incident(), message(draft)});
    ASSERT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    std::vector<std::string> codes;
    for (const auto& finding : content::check(draft, samples::now, "live"))
        codes.push_back(finding.code);
    EXPECT_EQ(test.when(submit("1", codes)).refused(), "");
}

TEST(Submit, NamesEverybodyWhoEverHadAHandInIt) {
    Case test = given({incident(), message(), revised("ben", 2), revised("ana", 3)});
    test.by("cleo", "calgary", {"author"}).when(submit("3"));
    test.when(returned());
    ana(test).when(submit("5"));
    const auto& editors = test.events().at(0).message_submitted().editors();
    EXPECT_EQ(std::vector<std::string>(editors.begin(), editors.end()),
              (std::vector<std::string>{"ana", "ben", "cleo"}));
}

TEST(Submit, CountsItsRounds) {
    Case test = given();
    test.when(submit("1"));
    EXPECT_EQ(test.events().at(0).message_submitted().round(), 1);
    test.when(returned());
    test.when(submit("3"));
    EXPECT_EQ(test.events().at(0).message_submitted().round(), 2);
}

// ---- its release ended before anything was public

TEST(Release, ThatEndedBeforeAnythingWasPublicGivesTheTextBack) {
    Case test = given();
    test.when(submit("1"));
    const std::string digest = test.events().at(0).message_submitted().digest();
    test.when(back_from_release());
    ASSERT_EQ(test.events().size(), 1u);
    const auto& text = test.events().at(0).message_returned();
    EXPECT_EQ(text.release_id(), "rel-1");
    EXPECT_EQ(text.actor(), "service:publishing");
    EXPECT_TRUE(text.reason().contains("No channel was ready. Its approvals count"))
        << text.reason();
    EXPECT_EQ(only(test).state, v1::MESSAGE_STATE_DRAFT);
    // As it is, it is the same text to approval.
    ana(test).request("r2").when(submit("3"));
    ASSERT_EQ(test.refused(), "");
    EXPECT_EQ(test.events().at(0).message_submitted().digest(), digest);
    EXPECT_EQ(test.events().at(0).message_submitted().round(), 2);
}

TEST(Release, ThatAPersonStoppedSaysWho) {
    Case test = given();
    test.when(submit("1"));
    test.when(back_from_release(1, "olga"));
    const auto& text = test.events().at(0).message_returned();
    EXPECT_EQ(text.actor(), "olga");
    EXPECT_TRUE(text.reason().contains("wrong river. Its approvals")) << text.reason();
    ana(test).request("r2").when(submit("3"));
    ASSERT_EQ(test.events().at(0).message_submitted().stoppers_size(), 1);
    EXPECT_EQ(test.events().at(0).message_submitted().stoppers(0), "olga");
}

TEST(Release, WhoseBytesAreWhatIsWrongSaysSo) {
    Case test = given();
    test.when(submit("1"));
    test.when(back_from_release(1, "", false));
    const auto& text = test.events().at(0).message_returned();
    EXPECT_TRUE(text.reason().contains("is to be corrected first")) << text.reason();
    EXPECT_FALSE(text.reason().contains("as it is")) << text.reason();
}

TEST(Release, OfAnEarlierRoundOrOfAMessageThatIsADraftGivesNothingBack) {
    Case test = given();
    EXPECT_FALSE(test.when(back_from_release()).reacted());
    test.when(submit("1"));
    test.when(returned());
    test.when(submit("3"));
    EXPECT_FALSE(test.when(back_from_release(1)).reacted());
    EXPECT_TRUE(test.when(back_from_release(2)).reacted());
    EXPECT_FALSE(test.when(back_from_release(2)).reacted());
}

TEST(Submit, IsForAgenciesNamedInTheMessage) {
    Case test = given();
    EXPECT_EQ(stranger(test).when(submit("1")).refused(), "other_agency");
}

TEST(Submit, LocksTheText) {
    Case test = given();
    test.when(submit("1"));
    for (const auto& command : {revise("2"), submit("2"), withdraw()}) {
        EXPECT_EQ(test.when(command).refused(), "submitted");
        EXPECT_NE(test.rejection()->text.find("take it back"), std::string::npos);
    }
}

}  // namespace
}  // namespace tocsin::drafting
