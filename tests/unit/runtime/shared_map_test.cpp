#include "runtime/base/shared_map.hpp"

#include "runtime/base/listing.hpp"
#include "support/allocations.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace tocsin::runtime {
namespace {

using Map = SharedMap<std::string, std::string>;

template <class Key, class Value>
std::vector<std::pair<Key, Value>> all(const SharedMap<Key, Value>& map) {
    std::vector<std::pair<Key, Value>> result;
    map.ascend(nullptr, [&](const Key& key, const Value& value) {
        result.emplace_back(key, value);
        return true;
    });
    return result;
}

TEST(SharedMap, ACopyStaysAsItIs) {
    Map map;
    map.set("a", "1");
    const Map before = map;
    map.edit("a") = "2";
    map.set("b", "3");
    EXPECT_EQ(*before.find("a"), "1");
    EXPECT_EQ(before.size(), 1u);
    EXPECT_EQ(*map.find("a"), "2");
    map.erase("a");
    EXPECT_EQ(map.find("a"), nullptr);
    EXPECT_EQ(*before.find("a"), "1");
}

TEST(SharedMap, ACopyOfACopyMayBeChangedBesideIt) {
    Map first;
    first.set("a", "1");
    Map second = first;
    first.set("a", "2");
    second.set("a", "3");
    Map third = second;
    second.edit("a") += "!";
    EXPECT_EQ(*first.find("a"), "2");
    EXPECT_EQ(*second.find("a"), "3!");
    EXPECT_EQ(*third.find("a"), "3");
}

// Against std::map, with a copy taken at every hundredth step and compared at the end.
TEST(SharedMap, IsAnOrderedMap) {
    std::mt19937 random(7);
    SharedMap<int, int> map;
    std::map<int, int> model;
    std::vector<std::pair<SharedMap<int, int>, std::map<int, int>>> versions;
    for (int step = 0; step < 20'000; ++step) {
        const int key = static_cast<int>(random() % 3000);
        if (random() % 3 == 0) {
            EXPECT_EQ(map.erase(key), model.erase(key) == 1);
        } else {
            map.set(key, step);
            model[key] = step;
        }
        if (step % 100 == 0) versions.emplace_back(map, model);
    }
    versions.emplace_back(map, model);
    for (const auto& [copy, expected] : versions) {
        ASSERT_EQ(copy.size(), expected.size());
        EXPECT_EQ(all(copy), (std::vector<std::pair<int, int>>(expected.begin(), expected.end())));
    }
    for (int key = 0; key < 3000; ++key) {
        const auto found = model.find(key);
        ASSERT_EQ(map.find(key) != nullptr, found != model.end()) << key;
        if (found != model.end()) {
            EXPECT_EQ(*map.find(key), found->second);
        }
    }
}

TEST(SharedMap, GoesUpAndDownFromAnyKey) {
    std::mt19937 random(11);
    SharedMap<int, int> map;
    std::map<int, int> model;
    for (int i = 0; i < 500; ++i) {
        const int key = static_cast<int>(random() % 2000);
        map.set(key, i);
        model[key] = i;
    }
    for (int from = -1; from <= 2001; from += 3) {
        std::vector<int> up, down, model_up, model_down;
        map.ascend(&from, [&](int key, int) { return up.push_back(key), up.size() < 7; });
        map.descend(&from, [&](int key, int) { return down.push_back(key), down.size() < 7; });
        for (auto at = model.upper_bound(from); at != model.end() && model_up.size() < 7; ++at)
            model_up.push_back(at->first);
        for (auto at = model.lower_bound(from); at != model.begin() && model_down.size() < 7;)
            model_down.push_back((--at)->first);
        ASSERT_EQ(up, model_up) << from;
        ASSERT_EQ(down, model_down) << from;
    }
}

// What one change costs while every version before it is held, as by readers.
std::size_t cost_of_change(int entries) {
    SharedMap<std::int64_t, std::string> map;
    for (int i = 0; i < entries; ++i) map.set(i, "value");
    const auto held = map;
    const std::size_t before = testing::allocations().count;
    map.set(entries, "value");
    return testing::allocations().count - before;
}

TEST(SharedMap, AChangeCostsAboutTheSameHoweverManyThereAre) {
    const std::size_t few = cost_of_change(100);
    EXPECT_LE(cost_of_change(10'000), few + 8);
    EXPECT_LE(cost_of_change(1'000'000), few + 16);
}

TEST(SharedMap, UntilTheNextCopyChangesAreInPlace) {
    SharedMap<std::int64_t, std::string> map;
    for (int i = 0; i < 1000; ++i) map.set(i, "value");
    map.edit(500) = "changed";
    const std::size_t before = testing::allocations().count;
    map.edit(500) += "!";
    EXPECT_EQ(testing::allocations().count, before);
}

TEST(Listing, GivesAPartNewestFirstFromAnyPlace) {
    Listing listing;
    std::vector<std::int64_t> places;
    for (const char* id : {"a", "b", "c", "d"}) places.push_back(listing.add(id));
    listing.enter("open", places[0]);
    listing.enter("open", places[2]);
    listing.enter("ended", places[1]);
    const auto ids = [&](const char* part, std::int64_t before) {
        std::string result;
        listing.newest_first(part, before, [&](std::int64_t, const std::string& id) {
            result += id;
            return true;
        });
        return result;
    };
    EXPECT_EQ(ids("", 0), "dcba");
    EXPECT_EQ(ids("", places[2]), "ba");
    EXPECT_EQ(ids("open", 0), "ca");
    EXPECT_EQ(ids("open", places[2]), "a");
    EXPECT_EQ(ids("none", 0), "");
    listing.leave("open", places[2]);
    listing.remove(places[2]);
    EXPECT_EQ(ids("open", 0), "a");
    EXPECT_EQ(ids("", 0), "dba");
}

}  // namespace
}  // namespace tocsin::runtime
