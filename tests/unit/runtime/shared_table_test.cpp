#include "runtime/base/shared_table.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::runtime {
namespace {

using Table = SharedTable<std::string>;

TEST(SharedTable, ACopyStaysAsItIs) {
    Table table;
    table.edit("a") = "1";
    const Table before = table;
    table.edit("a") = "2";
    table.edit("b") = "3";
    EXPECT_EQ(*before.find("a"), "1");
    EXPECT_EQ(before.find("b"), nullptr);
    EXPECT_EQ(before.size(), 1u);
    EXPECT_EQ(*table.find("a"), "2");
    EXPECT_EQ(table.size(), 2u);
    EXPECT_EQ(Table{}.find("a"), nullptr);
}

TEST(SharedTable, ACopyOfACopyMayBeChangedBesideIt) {
    Table first;
    first.edit("a") = "1";
    Table second = first;
    first.edit("a") = "2";
    second.edit("a") = "3";
    Table third = second;
    second = first;
    third.edit("a") += "!";
    EXPECT_EQ(*first.find("a"), "2");
    EXPECT_EQ(*second.find("a"), "2");
    EXPECT_EQ(*third.find("a"), "3!");
}

TEST(SharedTable, WhatIsMovedAwayIsEmpty) {
    Table first;
    first.edit("a") = "1";
    Table second = std::move(first);
    EXPECT_EQ(*second.find("a"), "1");
    EXPECT_EQ(first.size(), 0u);  // NOLINT(bugprone-use-after-move)
    first.edit("b") = "2";
    EXPECT_EQ(second.find("b"), nullptr);
}

// Against std::map, with a copy taken now and then and compared at the end.
TEST(SharedTable, IsATableOfIds) {
    std::mt19937 random(7);
    Table table;
    std::map<std::string, std::string> model;
    std::vector<std::pair<Table, std::map<std::string, std::string>>> versions;
    for (int i = 0; i < 100'000; ++i) {
        const std::string id = fmt::format("id-{}", random() % 20'000);
        table.edit(id) += 'x';
        model[id] += 'x';
        if (i % 10'000 == 0) versions.emplace_back(table, model);
    }
    versions.emplace_back(table, model);
    for (const auto& [version, right] : versions) {
        ASSERT_EQ(version.size(), right.size());
        for (const auto& [id, value] : right) {
            const std::string* found = version.find(id);
            ASSERT_NE(found, nullptr) << id;
            ASSERT_EQ(*found, value) << id;
        }
        EXPECT_EQ(version.find("none"), nullptr);
    }
}

// All of them come under a few hashes, which begin alike.
struct PoorHash {
    std::size_t operator()(std::string_view id) const { return (id.size() % 3) << 62; }
};

TEST(SharedTable, TellsIdsOfOneHashApart) {
    SharedTable<int, PoorHash> table;
    for (int i = 0; i < 200; ++i) table.edit(fmt::format("id-{}", i)) = i;
    const auto before = table;
    for (int i = 0; i < 300; ++i) table.edit(fmt::format("id-{}", i)) = -i;
    EXPECT_EQ(before.size(), 200u);
    EXPECT_EQ(table.size(), 300u);
    for (int i = 0; i < 200; ++i) ASSERT_EQ(*before.find(fmt::format("id-{}", i)), i);
    for (int i = 0; i < 300; ++i) ASSERT_EQ(*table.find(fmt::format("id-{}", i)), -i);
    EXPECT_EQ(before.find("id-200"), nullptr);
    EXPECT_EQ(table.find("other"), nullptr);
}

TEST(SharedTable, IsReadByManyWhileItsNextVersionIsMade) {
    Table table;
    for (int i = 0; i < 1000; ++i) table.edit(fmt::format("{}", i)) = "before";
    const Table before = table;
    std::vector<std::jthread> readers;
    for (int reader = 0; reader < 4; ++reader)
        readers.emplace_back([before] {
            for (int i = 0; i < 1000; ++i) {
                const Table mine = before;
                EXPECT_EQ(*mine.find(fmt::format("{}", i)), "before");
            }
        });
    for (int i = 0; i < 2000; ++i) table.edit(fmt::format("{}", i)) = "after";
    readers.clear();
    EXPECT_EQ(before.size(), 1000u);
    EXPECT_EQ(*table.find("7"), "after");
}

}  // namespace
}  // namespace tocsin::runtime
