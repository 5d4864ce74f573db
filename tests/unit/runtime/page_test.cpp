#include "runtime/edge/page.hpp"

#include "tocsin/drafting/v1/drafting_service.pb.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace tocsin::runtime {
namespace {

using drafting::v1::Incident;
using drafting::v1::ListIncidentsRequest;
using drafting::v1::ListIncidentsResponse;

// Ids to title lengths, by id.
using Items = std::map<std::string, std::size_t>;

struct StubAnswer {
    std::vector<std::string> ids;
    std::string next;
    std::size_t bytes = 0;
    grpc::Status status;
};

StubAnswer list(const Items& items, int page_size, const std::string& token) {
    ListIncidentsRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    ListIncidentsResponse response;
    StubAnswer answer;
    answer.status =
        answer_page(request, response, *response.mutable_incidents(), [&](PageOf<Incident>& page) {
            auto at = page.after() ? items.upper_bound(*page.after()) : items.begin();
            for (; at != items.end(); ++at)
                if (!page.add(at->first, [&](Incident& row) {
                        row.set_incident_id(at->first);
                        row.set_title(std::string(at->second, 'x'));
                    }))
                    return;
        });
    for (const Incident& incident : response.incidents())
        answer.ids.push_back(incident.incident_id());
    answer.next = response.next_page_token();
    answer.bytes = response.ByteSizeLong();
    return answer;
}

Items some(int count, std::size_t title = 10) {
    Items items;
    for (int i = 0; i < count; ++i) items["i" + std::to_string(1000 + i)] = title;
    return items;
}

// Items that do not concern the caller cost time too: a page goes through so many and no more.
TEST(Page, EndsByItemsThatItPassesOver) {
    const int items = 2 * page_passed_max + 1;
    const auto next_visible = [&](const std::string& token) {
        ListIncidentsRequest request;
        request.set_page_token(token);
        ListIncidentsResponse response;
        EXPECT_TRUE(answer_page(request, response, *response.mutable_incidents(),
                                [&](PageOf<Incident>& page) {
                                    for (auto at = page.after_place() + 1; at <= items; ++at)
                                        if (at == items ? !page.add(at, [](Incident&) {})
                                                        : !page.pass(at))
                                            return;
                                })
                        .ok());
        return response;
    };
    const auto first = next_visible("");
    EXPECT_EQ(first.incidents_size(), 0);
    ASSERT_FALSE(first.next_page_token().empty());
    const auto second = next_visible(first.next_page_token());
    EXPECT_EQ(second.incidents_size(), 1);
    EXPECT_TRUE(second.next_page_token().empty());
}

TEST(Page, EndsByRows) {
    const auto items = some(120);
    EXPECT_EQ(list(items, 0, "").ids.size(), 50u);
    EXPECT_EQ(list(items, 7, "").ids.size(), 7u);
    const auto last = list(items, 500, "");
    EXPECT_EQ(last.ids.size(), 120u);
    EXPECT_EQ(last.next, "");
}

TEST(Page, EndsByBytes) {
    const auto items = some(40, 100'000);
    const auto first = list(items, 500, "");
    EXPECT_EQ(first.ids.size(), 10u);
    EXPECT_LE(first.bytes, page_bytes_max + 1000);
    std::size_t seen = 0;
    std::string token;
    do {
        const auto page = list(items, 500, token);
        seen += page.ids.size();
        token = page.next;
    } while (!token.empty());
    EXPECT_EQ(seen, 40u);
}

TEST(Page, HasAtLeastOneRow) {
    const Items items{{"a", page_bytes_max * 2}, {"b", 1}};
    const auto first = list(items, 0, "");
    EXPECT_EQ(first.ids, (std::vector<std::string>{"a"}));
    EXPECT_EQ(list(items, 0, first.next).ids, (std::vector<std::string>{"b"}));
}

TEST(Page, GoesOnBehindItsLastItemWhateverCameAndWent) {
    auto items = some(10);
    const auto first = list(items, 4, "");
    items.erase("i1003");
    items["i0000"] = 1;
    EXPECT_EQ(list(items, 2, first.next).ids, (std::vector<std::string>{"i1004", "i1005"}));
}

TEST(Page, RefusesATokenOfAnotherListOrOfNone) {
    EXPECT_EQ(list(some(3), 0, "bm9uZQ").status.error_code(), grpc::INVALID_ARGUMENT);
    EXPECT_EQ(list(some(3), 0, "!").status.error_code(), grpc::INVALID_ARGUMENT);
    const std::string other = page_token("tocsin.drafting.v1.ListMessagesRequest", "7");
    EXPECT_EQ(list(some(3), 0, other).status.error_code(), grpc::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace tocsin::runtime
