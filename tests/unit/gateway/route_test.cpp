#include "gateway/route.hpp"

#include "gateway/connect.hpp"
#include "gateway/feeds.hpp"

#include <gtest/gtest.h>

namespace tocsin::gateway {

using Kind = Route::Kind;

TEST(Route, NamesAMethodByItsFullPath) {
    const Route route = route_of("/tocsin.drafting.v1.DraftingService/GetMessage?service=x");
    EXPECT_EQ(route.kind, Kind::rpc);
    EXPECT_EQ(route.service, "tocsin.drafting.v1.DraftingService");
    EXPECT_EQ(route.method, "GetMessage");
    EXPECT_EQ(query_value(route.query, "service"), "x");
}

TEST(Route, NamesFeedsAndAlerts) {
    const Route feed = route_of("/feeds/montreal/fr-CA.atom");
    EXPECT_EQ(feed.kind, Kind::feed);
    EXPECT_EQ(feed.realm, "montreal");
    EXPECT_EQ(feed.name, "fr-CA");
    EXPECT_EQ(feed.format, "atom");
    const Route rss = route_of("/feeds/montreal/fr-CA.rss");
    EXPECT_EQ(rss.kind, Kind::feed);
    EXPECT_EQ(rss.name, "fr-CA");
    EXPECT_EQ(rss.format, "rss");
    EXPECT_EQ(route_of("/feeds/montreal/fr-CA.geojson").format, "geojson");
    const Route alert = route_of("/feeds/montreal/alerts/urn:oid:2.49%2F1%20x.xml");
    EXPECT_EQ(alert.kind, Kind::alert);
    EXPECT_EQ(alert.name, "urn:oid:2.49/1 x");
}

TEST(Route, NamesNothingElse) {
    for (const char* target : {"/",
                               "",
                               "/healthz/",
                               "/feeds",
                               "/feeds/",
                               "/feeds/r/",
                               "/feeds/r/.atom",
                               "/feeds/r/.rss",
                               "/feeds/r/.geojson",
                               "/feeds/r/fr.json",
                               "/feeds/r/fratom",
                               "/feeds/r/fr.xml",
                               "/feeds//fr.atom",
                               "/feeds/r/alerts/.xml",
                               "/feeds/r/alert/x.xml",
                               "/feeds/r/%zz.atom",
                               "/feeds/r/%0a.atom",
                               "/feeds/r/a%2",
                               "/tocsin.drafting.v1.DraftingService",
                               "/tocsin.drafting.v1.DraftingService/",
                               "/grpc.health.v1.Health/Check",
                               "ftp://x/healthz",
                               "http://",
                               "http://x",
                               "http:///healthz",
                               "http://a@x/healthz",
                               "http:/healthz",
                               "http://x?/healthz",
                               "*",
                               "x:80",
                               "/tocsin.drafting.v1.DraftingService/GetMessage/more"})
        EXPECT_EQ(route_of(target).kind, Kind::none) << target;
    EXPECT_EQ(route_of("/healthz?x").kind, Kind::health);
    EXPECT_EQ(route_of("/livez").kind, Kind::live);
}

TEST(Route, ATargetMayNameTheHost) {
    EXPECT_EQ(route_of("http://x/healthz").kind, Kind::health);
    EXPECT_EQ(route_of("HTTPS://[::1]:8080/healthz?x").kind, Kind::health);
    EXPECT_EQ(route_of("http://x/feeds/montreal/fr-CA.atom?page=2").realm, "montreal");
    EXPECT_EQ(route_of("http://x/feeds/montreal/fr-CA.atom?page=2").query, "page=2");
    EXPECT_EQ(route_of("/feeds/r/alerts/http://x.xml").kind, Kind::none);
    EXPECT_EQ(route_of("/feeds/r/alerts/http:%2F%2Fx.xml").name, "http://x");
}

TEST(Route, TimeoutHasOneToTenDigits) {
    using std::chrono::milliseconds;
    EXPECT_EQ(timeout_of(std::nullopt).value(), milliseconds(5000));
    EXPECT_EQ(timeout_of("250").value(), milliseconds(250));
    EXPECT_EQ(timeout_of("0").value(), milliseconds(0));
    EXPECT_EQ(timeout_of("9999999999").value(), milliseconds(30'000));
    for (const char* bad : {"", "-1", "+1", "1s", "1.5", " 1", "12345678901"})
        EXPECT_FALSE(timeout_of(bad)) << bad;
}

TEST(Route, CodecIsReadFromTheMediaType) {
    EXPECT_EQ(codec_of("application/json"), Codec::json);
    EXPECT_EQ(codec_of("Application/JSON; charset=utf-8"), Codec::json);
    EXPECT_EQ(codec_of("application/proto"), Codec::proto);
    for (const char* bad : {"", "text/json", "application/grpc", "application/connect+json"})
        EXPECT_FALSE(codec_of(bad)) << bad;
}

TEST(IfNoneMatch, TagsAreReadWithoutTheirQuotes) {
    EXPECT_EQ(tags_of("\"b\", W/\"a\""), (std::vector<std::string>{"b", "a"}));
    EXPECT_TRUE(tags_of("*").empty());
    EXPECT_TRUE(tags_of("\"open").empty());
    EXPECT_EQ(tags_of("\"caf\xe9\", \"\xff\", \"a b\", \"caf\xc3\xa9\", \"b\""),
              (std::vector<std::string>{"b"}));
    EXPECT_TRUE(tags_of('"' + std::string(101, 'x') + '"').empty());
    std::string many;
    for (int i = 0; i < 40; ++i) many += "\"t\",";
    EXPECT_EQ(tags_of(many).size(), 15u);
}

TEST(Route, IfNoneMatchIsAListOfTags) {
    EXPECT_TRUE(none_match_names("\"a\"", "\"a\""));
    EXPECT_TRUE(none_match_names("\"b\", W/\"a\"", "\"a\""));
    EXPECT_TRUE(none_match_names("*", "\"a\""));
    for (const char* other : {"", "a", "\"b\"", "\"a", ",,", "W/"})
        EXPECT_FALSE(none_match_names(other, "\"a\"")) << other;
}

}  // namespace tocsin::gateway
