// What becomes of a record that librdkafka does not take; over its mock of a broker.
#include "runtime/kafka/kafka.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace tocsin::runtime {
namespace {

TEST(KafkaWriter, WhatIsNotThereIsNotTakenForAFullQueue) {
    KafkaWriter writer({"unused:1", {{"test.mock.num.brokers", "1"}}}, -1);
    bool known = false;
    writer.ask_warm("letters", std::chrono::seconds(10), [&](bool answer) { known = answer; });
    for (int i = 0; i < 10'000 && !known; ++i) {
        writer.poll();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(known);
    const auto append = [&](int partition, const std::string& value) {
        return writer.append("letters", partition, "", value, {}, [](const Stored&) {});
    };
    EXPECT_EQ(append(0, "well"), Queued::queued);
    EXPECT_EQ(append(99, "nowhere"), Queued::missing);
    EXPECT_EQ(append(0, std::string(2'000'000, 'x')), Queued::too_large);
    writer.close();
    EXPECT_EQ(append(0, "late"), Queued::dead);
}

}  // namespace
}  // namespace tocsin::runtime
