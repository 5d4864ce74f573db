// Two processes over a Kafka that loses, doubles, delays and reorders, by seed: each call ends
// once, and when the faults are over everybody works and knows the same.
#include "sim/driver_stage.hpp"

#include <gtest/gtest.h>

#include <array>

namespace tocsin::sim {
namespace {

using std::chrono::seconds;

class DriverUnderFaults : public ::testing::TestWithParam<std::uint64_t> {
protected:
    bool chance(double probability) {
        return static_cast<double>(random() >> 11) * 0x1.0p-53 < probability;
    }
    void storm() {
        auto& faults = stage.kafka.faults;
        faults = {};
        faults.delay_max = milliseconds(1 + random() % 50);
        faults.lost = .01;
        faults.doubled = .02;
        faults.ack_lost = .01;
        faults.late = .01;
        faults.out_of_order = .02;
        faults.unanswered = .05;
    }
    // One thing that happens to somebody.
    void happen() {
        const int partition = static_cast<int>(random() % Stage::partitions);
        const std::size_t one = random() % names.size();
        if (stage.kafka.away())
            stage.kafka.come_back();
        else if (chance(.2))
            stage.kafka.go_away();
        if (chance(.1))
            stage.kafka.stall(chance(.5) ? Stage::ledger() : Stage::commands(), partition,
                              chance(.5));
        if (chance(.2)) stage.kafka.failing_starts = static_cast<int>(random() % 4);
        if (chance(.2)) stage.freeze(*stage.members[one], !stage.members[one]->frozen);
        if (chance(.1)) restart(one);
    }
    void restart(std::size_t one) {
        auto& member = stage.members[one];
        member->process.reset();
        member = std::make_unique<Member>(stage.kafka, stage.clock, stage.config,
                                          names[one] + std::to_string(++starts), nullptr);
        member->process->open();
    }
    void calm() {
        stage.kafka.faults = {};
        stage.kafka.failing_starts = 0;
        if (stage.kafka.away()) stage.kafka.come_back();
        for (const auto& member : stage.members) member->frozen = false;
    }

    std::mt19937_64 random{GetParam()};
    Stage stage{GetParam()};
    const std::array<std::string, 2> names{"one", "two"};
    int starts = 0;
};

TEST_P(DriverUnderFaults, EveryCallEndsOnceAndAllComeToTheSame) {
    for (const std::string& name : names) stage.add(name);
    std::vector<std::shared_ptr<Member::Call>> calls;
    std::vector<std::string> names_of_deeds{"add 5", "timer 2", "add 1", "boom"};
    storm();
    for (int second = 0; second < 40; ++second) {
        happen();
        for (int i = 0; i < 20; ++i) {
            Member& member = *stage.members[random() % stage.members.size()];
            calls.push_back(member.submit(Stage::realm(static_cast<int>(random() % 2)),
                                          names_of_deeds[random() % names_of_deeds.size()]));
            stage.run(milliseconds(50));
        }
    }
    calm();
    for (const auto& member : stage.members)
        EXPECT_TRUE(stage.run_until([&] { return member->process->ready(); }, seconds(120)));
    stage.run(seconds(60));
    for (const auto& member : stage.members) {
        EXPECT_TRUE(member->process->ready());
        const auto call = member->submit(Stage::realm(0), "timer 100000");
        EXPECT_TRUE(stage.run_until([&] { return call->answers > 0; }, seconds(5)));
        EXPECT_TRUE(call->accepted()) << call->answer.rejection.text;
    }
    stage.run(seconds(5));
    for (const auto& call : calls) EXPECT_EQ(call->answers, 1);
    EXPECT_GT(std::ranges::count_if(calls, [](const auto& call) { return call->accepted(); }), 20);
    const auto mine = stage.members[0]->process->status();
    const auto others = stage.members[1]->process->status();
    for (std::size_t i = 0; i < mine.size(); ++i) {
        EXPECT_EQ(mine[i].head, others[i].head);
        EXPECT_EQ(mine[i].halted, "");
        EXPECT_EQ(mine[i].next_offset, others[i].next_offset);
        EXPECT_EQ(mine[i].undecided, 0u);
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DriverUnderFaults, ::testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace tocsin::sim
