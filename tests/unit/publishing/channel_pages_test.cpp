// The list of a realm's channels, page by page.
#include "publishing/rpc.hpp"
#include "runtime/edge/page.hpp"
#include "samples.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {
namespace {

class ChannelPages : public ::testing::Test {
protected:
    void put(const std::vector<v1::Event>& events) {
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        for (const v1::Event& event : events)
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        realm.apply({"publishing", 0, 0, samples::at(0), decision, true});
    }
    v1::ListChannelsResponse page(int size, const std::string& token = {}) const {
        v1::ListChannelsRequest request;
        request.set_page_size(size);
        request.set_page_token(token);
        v1::ListChannelsResponse response;
        const grpc::Status status = list_channels(reader, realm, request, response);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return response;
    }

    runtime::Caller reader{"ana", "bow", "calgary", {"analyst"}};
    Realm realm;
};

TEST_F(ChannelPages, KeepToThemselvesWhereTheChannelsOfOthersLead) {
    put({samples::channel("hook", "webhook")});
    EXPECT_FALSE(page(0).channels(0).url().empty());
    EXPECT_FALSE(page(0).channels(0).credential().empty());
    reader.agency = "alberta";
    EXPECT_TRUE(page(0).channels(0).url().empty());
    EXPECT_TRUE(page(0).channels(0).credential().empty());
    EXPECT_EQ(page(0).channels(0).name(),
              samples::channel("hook", "webhook").channel_put().channel().name());
}

TEST_F(ChannelPages, EndByRowsAndGoOnWhereTheyEnded) {
    std::vector<v1::Event> channels;
    for (int i = 0; i < 120; ++i)
        channels.push_back(samples::channel(fmt::format("hook-{:03}", i), "webhook"));
    put(channels);
    EXPECT_EQ(page(0).channels_size(), 50);
    const auto first = page(100);
    ASSERT_EQ(first.channels_size(), 100);
    EXPECT_EQ(first.channels(99).channel_id(), "hook-099");
    // What is added meanwhile moves nothing.
    put({samples::channel("hook-000a", "webhook")});
    const auto last = page(100, first.next_page_token());
    ASSERT_EQ(last.channels_size(), 20);
    EXPECT_EQ(last.channels(0).channel_id(), "hook-100");
    EXPECT_EQ(last.next_page_token(), "");
}

TEST_F(ChannelPages, EndByBytes) {
    std::vector<v1::Event> channels;
    for (int i = 0; i < 30; ++i) {
        channels.push_back(samples::channel(fmt::format("hook-{:03}", i), "webhook"));
        channels.back().mutable_channel_put()->mutable_channel()->set_name(
            std::string(100'000, 'x'));
    }
    put(channels);
    const auto first = page(500);
    EXPECT_EQ(first.channels_size(), 10);
    EXPECT_LE(first.ByteSizeLong(), runtime::page_bytes_max + 1'000);
    EXPECT_NE(first.next_page_token(), "");
}

TEST_F(ChannelPages, ATokenOfAnotherListIsRefused) {
    v1::ListChannelsRequest request;
    request.set_page_token(runtime::page_token("tocsin.publishing.v1.ListReleasesRequest", "1"));
    v1::ListChannelsResponse response;
    EXPECT_EQ(list_channels(reader, realm, request, response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace tocsin::publishing
