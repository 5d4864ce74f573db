#include "publishing/channels/mastodon_posts.hpp"

#include "wire_bench.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>

namespace tocsin::publishing {
namespace {

// A list with `before` other things, then the post.
std::string list_with(const Job& job, int before, const std::string& other = "{}") {
    const std::string posts = shown_post(job, "2025-06-15T15:06:42.000Z");
    std::string list = "[";
    for (int i = 0; i < before; ++i) list += other + ",";
    return list + posts.substr(1);
}

TEST(Mastodon, ReadBackLooksAtAsManyPostsAsItAskedFor) {
    Bench bench{"mastodon", "toot:fr-CA"};
    for (const char* other :
         {"{}", "[{\"content\":\"\"}]", "7", "{\"content\":[\"a\"],\"id\":{}}"}) {
        EXPECT_EQ(find_post(list_with(bench.job, 39, other), bench.job).kind, Found::Kind::found)
            << other;
        EXPECT_EQ(find_post(list_with(bench.job, 40, other), bench.job).kind, Found::Kind::absent)
            << other;
    }
    // Whatever follows, it is not even parsed.
    std::string open = "[";
    for (int i = 0; i < 40; ++i) open += "{},";
    EXPECT_EQ(find_post(open + "nonsense", bench.job).kind, Found::Kind::absent);
}

TEST(Mastodon, AListThatIsCutOffOrNoneIsNotAnAbsence) {
    Bench bench{"mastodon", "toot:fr-CA"};
    for (const char* odd :
         {"", "[", "[{}", "[{},", "{}", "7", "null", "[]x", "[{\"content\":\"\xff\"}]"})
        EXPECT_EQ(find_post(odd, bench.job).kind, Found::Kind::cannot_tell) << odd;
    for (const char* none : {"[]", "[{}]", "[[],{\"id\":[\"9\"]}]"})
        EXPECT_EQ(find_post(none, bench.job).kind, Found::Kind::absent) << none;
}

// Two messages of one account may have been taken back with the same words.
TEST(Mastodon, AReplyIsKnownByWhatItAnswersToo) {
    Bench bench{"mastodon", "toot:fr-CA"};
    nlohmann::json body = nlohmann::json::parse(bench.job.body->bytes());
    const nlohmann::json words = body.at("status");
    body["in_reply_to_id"] = "9";
    bench.job.body = std::make_shared<const Sealed>(body.dump(), "");
    const auto shown = [&](const nlohmann::json& answered) {
        const nlohmann::json post{{"id", "10"}, {"content", words}, {"in_reply_to_id", answered}};
        return find_post(nlohmann::json::array({post}).dump(), bench.job).kind;
    };
    EXPECT_EQ(shown("9"), Found::Kind::found);
    EXPECT_EQ(shown("8"), Found::Kind::absent);
    EXPECT_EQ(shown(nullptr), Found::Kind::absent);
}

// A post without words is not the one that is looked for, whatever was to be sent.
TEST(Mastodon, NothingIsNotThePost) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.body = nullptr;
    EXPECT_EQ(find_post("[{\"content\":\"\"}]", bench.job).kind, Found::Kind::absent);
}

TEST(BareText, ForgetsMarkupAndBlanks) {
    EXPECT_EQ(bare_text("<p>L&#39;eau &amp; la <b>rive</b><br/>\n<a href=\"x\"><span>htt</span>ps"
                        "</a></p>"),
              "L'eau&larivehttps");
    EXPECT_EQ(bare_text("&#xe9;&nbsp;!"), "\xC3\xA9!");
    EXPECT_EQ(bare_text("a\xC2\xA0 b&#160;&#xa0;c&#32;&#1234567;"), "abc&#1234567;");
}

// Each of these once took minutes: time grew with the square of the bytes.
TEST(BareText, TakesTimeThatGrowsWithItsBytes) {
    constexpr std::size_t size = 4u << 20;
    for (const std::string part : {"&#", "&", "<", "\xC2\xA0", "&#160;", "<>", " "}) {
        std::string html;
        while (html.size() < size) html += part;
        const auto began = std::chrono::steady_clock::now();
        EXPECT_LE(bare_text(html).size(), html.size());
        EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{5}) << part;
    }
}

}  // namespace
}  // namespace tocsin::publishing
