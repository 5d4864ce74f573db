#include "content/canada.hpp"

#include "content/cap.hpp"
#include "content/checks.hpp"
#include "support/sample_message.hpp"

#include <gtest/gtest.h>

namespace tocsin::content {
namespace {

std::string alert(const Content& content, const Fixed& fixed = samples::make_fixed()) {
    return cap_xml(content, fixed);
}

constexpr std::string_view profile_code = "<code>profile:CAP-CP:0.4</code>";

TEST(CanadianProfile, AnAlertWithItsCodesSaysThatItFollowsIt) {
    const std::string xml = alert(samples::make_content());
    EXPECT_TRUE(xml.contains(profile_code)) << xml;
    EXPECT_LT(xml.find("<scope>"), xml.find(profile_code));
    EXPECT_LT(xml.find(profile_code), xml.find("<incidents>"));
    // The same in each language.
    std::size_t count = 0;
    for (std::size_t at = 0;
         (at = xml.find("<valueName>profile:CAP-CP:Event:0.4</valueName>", at)) != xml.npos; ++at)
        ++count;
    EXPECT_EQ(count, 2U);
    EXPECT_LT(xml.find("<certainty>"), xml.find("<eventCode>"));
    EXPECT_LT(xml.find("<eventCode>"), xml.find("<effective>"));
    EXPECT_TRUE(alert(samples::make_content(), samples::make_retraction()).contains(profile_code));
}

TEST(CanadianProfile, NothingIsInventedWhereAFactIsMissing) {
    const auto without = [](auto change) {
        Content content = samples::make_content();
        change(*content.mutable_draft());
        return alert(content);
    };
    for (const std::string& xml :
         {without([](Draft& draft) { draft.clear_event_codes(); }),
          without([](Draft& draft) { draft.mutable_event_codes(0)->set_value_name("SAME"); }),
          without([](Draft& draft) { draft.mutable_event_codes(0)->set_value("a b"); }),
          without([](Draft& draft) { draft.mutable_areas(0)->clear_geocodes(); }),
          without([](Draft& draft) {
              *draft.add_areas() = samples::make_area();
              draft.mutable_areas(1)->mutable_geocodes(0)->set_value_name("SAME");
          })})
        EXPECT_FALSE(xml.contains("profile:CAP-CP:0.4")) << xml;
    // A Cancel without words has nothing that a profile could be about.
    Content silent = samples::make_content();
    silent.mutable_draft()->clear_retraction();
    EXPECT_FALSE(alert(silent, samples::make_retraction()).contains(profile_code));
}

TEST(CanadianProfile, ChecksNameWhatIsWrongWithItsCodes) {
    const auto found = [](auto change) {
        Draft draft = samples::make_draft();
        change(draft);
        return check(draft, samples::now, "live");
    };
    EXPECT_TRUE(found([](Draft&) {}).empty());
    const auto name = found([](Draft& draft) {
        draft.mutable_event_codes(0)->set_value_name("profile:cap-cp:event:0.4");
    });
    ASSERT_NE(samples::find_code(name, "event_code_name"), nullptr);
    EXPECT_EQ(samples::find_code(name, "event_code_name")->field, "event_codes[0].value_name");
    for (const char* value : {"abc", "flash flood", "averyverylong", "fl\u00e9au"}) {
        const auto bad =
            found([&](Draft& draft) { draft.mutable_event_codes(0)->set_value(value); });
        EXPECT_NE(samples::find_code(bad, "event_code"), nullptr) << value;
    }
    const auto twice = found([](Draft& draft) { *draft.add_event_codes() = draft.event_codes(0); });
    EXPECT_NE(samples::find_code(twice, "event_code_duplicate"), nullptr);
    const auto unplaced = found([](Draft& draft) { draft.mutable_areas(0)->clear_geocodes(); });
    const Finding* warning = samples::find_code(unplaced, "profile_incomplete");
    ASSERT_NE(warning, nullptr);
    EXPECT_EQ(warning->level, Finding::Level::warning);
    EXPECT_EQ(warning->field, "areas[0].geocodes");
    // Another list has rules of its own.
    EXPECT_TRUE(found([](Draft& draft) {
                    v1::EventCode& code = *draft.add_event_codes();
                    code.set_value_name("SAME");
                    code.set_value("FFW");
                }).empty());
}

}  // namespace
}  // namespace tocsin::content
