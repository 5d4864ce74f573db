#include "publishing/channels/mastodon_posts.hpp"
#include "publishing/channels/mastodon_text.hpp"

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

// What one page says of the delivery.
Found::Kind one_page(const std::string& posts, const Job& job) {
    PostSearch search{job};
    const auto after = search.read(posts);
    if (after == PostSearch::After::unreadable) return Found::Kind::cannot_tell;
    return search.shown().posts > 0 ? Found::Kind::found : Found::Kind::absent;
}

TEST(Mastodon, ReadBackLooksAtAsManyPostsAsItAskedFor) {
    Bench bench{"mastodon", "toot:fr-CA"};
    for (const char* other :
         {R"({"id":"8"})", "[{\"content\":\"\"}]", "7", "{\"content\":[\"a\"],\"id\":{}}"}) {
        EXPECT_EQ(one_page(list_with(bench.job, 39, other), bench.job), Found::Kind::found)
            << other;
        EXPECT_NE(one_page(list_with(bench.job, 40, other), bench.job), Found::Kind::found)
            << other;
    }
    // Whatever follows, it is not even parsed.
    std::string open = "[";
    for (int i = 0; i < 40; ++i) open += R"({"id":"8"},)";
    EXPECT_EQ(one_page(open + "nonsense", bench.job), Found::Kind::absent);
}

TEST(Mastodon, AListThatIsCutOffOrNoneIsNotAnAbsence) {
    Bench bench{"mastodon", "toot:fr-CA"};
    for (const char* odd :
         {"", "[", "[{}", "[{},", "{}", "7", "null", "[]x", "[{\"content\":\"\xff\"}]"})
        EXPECT_EQ(one_page(odd, bench.job), Found::Kind::cannot_tell) << odd;
    // Behind a post without an id nobody can go on.
    for (const char* odd : {"[{}]", R"([[],{"id":["9"]}])", R"([{"id":"9&limit=1"}])"})
        EXPECT_EQ(one_page(odd, bench.job), Found::Kind::cannot_tell) << odd;
    for (const char* none : {"[]", R"([{"id":"9"}])"})
        EXPECT_EQ(one_page(none, bench.job), Found::Kind::absent) << none;
}

TEST(Mastodon, TheSearchEndsWithWhatIsOlderThanT0) {
    Bench bench{"mastodon", "toot:fr-CA"};
    const auto after = [&](const char* posts) { return PostSearch{bench.job}.read(posts); };
    EXPECT_EQ(after("[]"), PostSearch::After::over);
    EXPECT_EQ(after(R"([{"id":"9","created_at":"2025-06-15T15:06:42.000Z"}])"),
              PostSearch::After::goes_on);
    EXPECT_EQ(after(R"([{"id":"9","created_at":"2025-06-15T14:06:42.000Z"}])"),
              PostSearch::After::over);
    EXPECT_EQ(after(R"([{"id":"9","created_at":"yesterday"}])"), PostSearch::After::goes_on);
}

TEST(Mastodon, AServerThatShowsThePageAgainIsNotFollowed) {
    Bench bench{"mastodon", "toot:fr-CA"};
    PostSearch search{bench.job};
    EXPECT_EQ(search.read(R"([{"id":"9"}])"), PostSearch::After::goes_on);
    EXPECT_EQ(search.last_id(), "9");
    EXPECT_EQ(search.read(R"([{"id":"9"}])"), PostSearch::After::unreadable);
}

// Two messages of one account may have been taken back with the same words.
TEST(Mastodon, AReplyIsKnownByWhatItAnswersToo) {
    Bench bench{"mastodon", "toot:fr-CA"};
    nlohmann::json body = nlohmann::json::parse(bench.job.body->bytes());
    const nlohmann::json words = body.at("status");
    body["in_reply_to_id"] = "9";
    bench.job.body = std::make_shared<const Sealed>(body.dump(), "");
    const auto shown = [&](const nlohmann::json& said, const nlohmann::json& answered) {
        const nlohmann::json post{{"id", "10"}, {"content", said}, {"in_reply_to_id", answered}};
        return one_page(nlohmann::json::array({post}).dump(), bench.job);
    };
    EXPECT_EQ(shown(words, "9"), Found::Kind::found);
    EXPECT_EQ(shown(words, "8"), Found::Kind::absent);
    // It answers nothing where that was deleted, and is known by its link.
    EXPECT_EQ(shown(words, nullptr), Found::Kind::found);
    bench.job.body = std::make_shared<const Sealed>(
        nlohmann::json{{"status", "Leave."}, {"in_reply_to_id", "9"}}.dump(), "");
    EXPECT_EQ(shown("Leave.", "9"), Found::Kind::found);
    EXPECT_EQ(shown("Leave.", nullptr), Found::Kind::absent);
}

// A post without words is not the one that is looked for, whatever was to be sent.
TEST(Mastodon, NothingIsNotThePost) {
    Bench bench{"mastodon", "toot:fr-CA"};
    bench.job.body = nullptr;
    EXPECT_EQ(one_page(R"([{"id":"9","content":""}])", bench.job), Found::Kind::absent);
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
