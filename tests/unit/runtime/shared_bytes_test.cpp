#include "runtime/base/shared_bytes.hpp"

#include "tocsin/content/v1/content.pb.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tocsin::runtime {
namespace {

TEST(SharedBytes, EqualBytesAreHeldOnce) {
    const std::string text(1000, 'x');
    const SharedBytes first(text);
    const SharedBytes second(std::string(1000, 'x'));
    const SharedBytes other("y");
    EXPECT_EQ(&*first, &*second);
    EXPECT_NE(&*first, &*other);
    EXPECT_EQ(*second, text);
}

TEST(SharedBytes, AreGoneWithTheirLastHolder) {
    const auto before = shared_totals();
    {
        const SharedBytes first(std::string(1000, 'z'));
        const SharedBytes second = first;
        EXPECT_EQ(shared_totals().bytes, before.bytes + 1000);
        EXPECT_EQ(shared_totals().texts, before.texts + 1);
    }
    EXPECT_EQ(shared_totals().bytes, before.bytes);
    EXPECT_EQ(shared_totals().texts, before.texts);
}

TEST(SharedBytes, NothingIsEmpty) {
    EXPECT_TRUE(SharedBytes().empty());
    EXPECT_TRUE(SharedBytes("").empty());
    EXPECT_EQ(*SharedBytes(), "");
}

TEST(SharedBytes, AreTakenInAndLetGoByManyThreads) {
    const auto before = shared_totals();
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([] {
            for (int i = 0; i < 20'000; ++i) {
                const std::string text = "text " + std::to_string(i % 7);
                const SharedBytes held(text);
                EXPECT_EQ(*held, text);
            }
        });
    threads.clear();
    EXPECT_EQ(shared_totals().bytes, before.bytes);
    EXPECT_EQ(shared_totals().texts, before.texts);
}

// Parsed maps come in any order.
TEST(StableBytes, AreTheSameForEqualMessages) {
    content::v1::Fixed fixed;
    for (const char* language : {"fr-CA", "en-CA", "de", "cr", "oj"})
        (*fixed.mutable_sender_names())[language] = language;
    const std::string first = stable_bytes(fixed);
    for (int i = 0; i < 20; ++i) {
        content::v1::Fixed parsed;
        ASSERT_TRUE(parsed.ParseFromString(fixed.SerializeAsString()));
        EXPECT_EQ(stable_bytes(parsed), first);
    }
}

TEST(Packed, IsTheMessageThatWasPacked) {
    content::v1::Reference reference;
    reference.set_sender("bow@example.org");
    Packed<content::v1::Reference> packed(reference);
    EXPECT_EQ(packed.get().sender(), "bow@example.org");
    packed.edit([](content::v1::Reference& changed) { changed.set_sender("elbow@example.org"); });
    EXPECT_EQ(packed.get().sender(), "elbow@example.org");
    EXPECT_EQ(Packed<content::v1::Reference>().get().sender(), "");
}

}  // namespace
}  // namespace tocsin::runtime
