#include "cli/ledger_lines.hpp"

#include <gtest/gtest.h>

namespace tocsin::cli {

static LedgerChain::Seen seen(const ledger::v1::Decision& decision) {
    return {LedgerChain::Kind::counted, decision, std::string(32, 'd'), "00112233aabbccdd"};
}

static bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(LedgerLines, SayWhatNoRequestAskedFor) {
    ledger::v1::Decision passed;
    auto& place = *passed.mutable_inputs_passed()->add_inputs();
    place.set_topic("tocsin.approval.commands.v1");
    place.set_next_offset(120);
    EXPECT_TRUE(holds(line_of("approval", 3, 7, seen(passed)),
                      "inputs_passed tocsin.approval.commands.v1=120"));
    EXPECT_EQ(
        json_of("approval", 3, 7, seen(passed))["inputsPassed"]["tocsin.approval.commands.v1"],
        120);

    ledger::v1::Decision rewound;
    *rewound.mutable_inputs_rewound()->mutable_inputs() = passed.inputs_passed().inputs();
    EXPECT_TRUE(holds(line_of("approval", 3, 7, seen(rewound)), "inputs_rewound tocsin"));

    ledger::v1::Decision overridden;
    overridden.mutable_clock_overridden()->set_reason("olga: the RTC was off");
    EXPECT_TRUE(holds(line_of("approval", 3, 7, seen(overridden)),
                      "clock_overridden: olga: the RTC was off"));

    ledger::v1::Decision changed;
    changed.mutable_key_changed()->set_key_id("ffeeddcc00112233");
    EXPECT_TRUE(holds(line_of("approval", 3, 7, seen(changed)), "key_changed ffeeddcc00112233"));
    EXPECT_EQ(json_of("approval", 3, 7, seen(changed))["keyChanged"]["keyId"], "ffeeddcc00112233");
    EXPECT_EQ(json_of("approval", 3, 7, seen(changed))["keyId"], "00112233aabbccdd");

    ledger::v1::Decision restarted;
    restarted.mutable_input_restarted()->set_reason("olga: \x1b[2J lost");
    const std::string line = line_of("approval", 3, 7, seen(restarted));
    EXPECT_TRUE(holds(line, "input_restarted: olga: "));
    EXPECT_FALSE(holds(line, "\x1b"));
}

TEST(LedgerLines, SayWhatWasDecided) {
    ledger::v1::Decision rejected;
    rejected.mutable_cause()->set_actor("ana@city.example");
    rejected.mutable_rejected()->set_code("expired");
    EXPECT_TRUE(holds(line_of("drafting", 0, 1, seen(rejected)), "rejected expired"));
    ledger::v1::Decision nothing;
    nothing.mutable_accepted();
    EXPECT_TRUE(holds(line_of("drafting", 0, 1, seen(nothing)), "nothing_new"));
}

}  // namespace tocsin::cli
