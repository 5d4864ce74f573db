#include "content/channel.hpp"

#include "content/channels/mastodon_length.hpp"
#include "content/texts.hpp"
#include "support/sample_message.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <set>

namespace tocsin::content {
namespace {

std::expected<Rendition, Finding> render(std::string_view kind, const Content& content,
                                         std::string_view language, const Fixed& fixed) {
    const ChannelKind& found = *find_kind(kind);
    return found.render(content, language, fixed, found.limits);
}

nlohmann::json body_of(const std::expected<Rendition, Finding>& rendition) {
    if (!rendition) return {{"refused", rendition.error().code}};
    return nlohmann::json::parse(rendition->body());
}

TEST(Channels, EveryKindIsFoundByItsName) {
    std::set<std::string_view> names;
    for (const ChannelKind& kind : all_kinds()) {
        EXPECT_EQ(find_kind(kind.kind), &kind);
        EXPECT_TRUE(names.insert(kind.kind).second) << kind.kind;
        EXPECT_FALSE(kind.limits.unit.empty()) << kind.kind;
        EXPECT_EQ(kind.count(""), 0) << kind.kind;
    }
    EXPECT_TRUE(names.contains("feed") && names.contains("webhook") && names.contains("mastodon"));
    EXPECT_EQ(find_kind("pigeon"), nullptr);
    EXPECT_EQ(find_kind(""), nullptr);
}

// What the rest of the code knows of a kind, and of one that only a newer version knows.
TEST(Channels, TraitsAreThoseOfTheKind) {
    for (const ChannelKind& kind : all_kinds()) {
        EXPECT_EQ(&traits_of(kind.kind), &kind.traits) << kind.kind;
        EXPECT_EQ(kind.traits.repeats == Repeats::by_key, kind.traits.key_lifetime.count() > 0)
            << kind.kind;
        // Where no request leaves there is nowhere to send one to.
        EXPECT_TRUE(kind.traits.transport != Transport::none ||
                    kind.traits.address == Address::none)
            << kind.kind;
        // Without an address of its own nothing is sent that a secret would be for: what signs
        // stays here.
        EXPECT_TRUE(kind.traits.address == Address::url ||
                    kind.traits.credential == CredentialForm::none ||
                    kind.traits.credential == CredentialForm::certificate)
            << kind.kind;
    }
    const Traits& careful = traits_of("pigeon");
    EXPECT_EQ(careful.repeats, Repeats::unsafe);
    EXPECT_FALSE(careful.can_be_queried || careful.public_from_claim || careful.corrections_reply);
}

TEST(Channels, OneRenditionPerLanguageWhereAPostHasOne) {
    for (const ChannelKind& kind : all_kinds()) {
        const auto languages = languages_of(kind.traits.parts, samples::make_content());
        const std::vector<std::string> expected = kind.traits.parts == Parts::one_per_language
                                                      ? std::vector<std::string>{"fr-CA", "en-CA"}
                                                      : std::vector<std::string>{""};
        EXPECT_EQ(languages, expected) << kind.kind;
    }
}

TEST(Mastodon, LengthIsCountedAsMastodonDoes) {
    struct Case {
        std::string text;
        int64_t length;
    };
    const std::string address = "https://www.example.com/a/very/long/path?with=a&query=too#part";
    const Case cases[] = {
        {"", 0},
        {"abc", 3},
        {"été", 3},
        {"e\u0301te\u0301", 3},
        {"👨‍👩‍👧‍👦🇨🇦", 2},
        {"a\r\nb", 3},
        {address, 23},
        {"http://a.ca", 23},
        {"HTTPS://A.CA", 23},
        {"see " + address + ".", 4 + 23 + 1},
        {"(" + address + ")", 25},
        {address + " " + address, 47},
        {"@user@mastodon.example.com hello", 5 + 6},
        {"@user hello", 11},
        {"mail me@example.com", 19},
        {"https://localhost", 23 + 9},  // Not certainly an address: both are counted.
        {"xhttp://a.ca", 24},
    };
    for (const Case& each : cases) EXPECT_EQ(mastodon_length(each.text), each.length) << each.text;
}

TEST(Mastodon, AShortMessageIsPostedWhole) {
    const auto rendition =
        render("mastodon", samples::make_content(), "en-CA", samples::make_fixed());
    ASSERT_TRUE(rendition.has_value());
    const Text text = samples::make_draft().texts(1);
    const std::string status = text.headline() + "\n\n" + text.description() + "\n\n" +
                               text.instruction() + "\n\nhttps://alerts.example.com/a/rel-1";
    EXPECT_EQ(nlohmann::json::parse(rendition->body())["status"], status);
    EXPECT_TRUE(rendition->body().ends_with(R"(,"language":"en","visibility":"public"})"));
    EXPECT_EQ(rendition->language(), "en-CA");
    EXPECT_EQ(rendition->media_type(), "application/json");
    EXPECT_EQ(rendition->length(), mastodon_length(status));
    EXPECT_EQ(rendition->length_max(), 500);
}

// The posts of a delivery, in order.
std::vector<std::string> posts_of(const nlohmann::json& body) {
    std::vector<std::string> posts{body["status"]};
    if (body.contains("thread"))
        for (const auto& one : body["thread"]) posts.push_back(one);
    return posts;
}

TEST(Mastodon, ALongMessageIsAThread) {
    Content content = samples::make_content();
    Text& text = *content.mutable_draft()->mutable_texts(1);
    std::string description;
    for (int i = 1; i <= 20; ++i) description += fmt::format("Street {} is under water. ", i);
    text.set_description(description);
    const auto rendition = render("mastodon", content, "en-CA", samples::make_fixed());
    const auto posts = posts_of(body_of(rendition));
    ASSERT_EQ(posts.size(), 2u);
    // What to do comes first, with the link.
    EXPECT_TRUE(posts[0].starts_with(text.headline() + "\n\n" + text.instruction() +
                                     "\n\nStreet 1 is under water. Street 2"))
        << posts[0];
    EXPECT_TRUE(posts[0].ends_with("is under water. (1/2)\n\nhttps://alerts.example.com/a/rel-1"))
        << posts[0];
    // Each can be read alone.
    EXPECT_TRUE(posts[1].starts_with(text.headline() + "\n\nStreet ")) << posts[1];
    EXPECT_TRUE(posts[1].ends_with("Street 20 is under water. (2/2)")) << posts[1];
    for (const std::string& post : posts) EXPECT_LE(mastodon_length(post), 500);
    EXPECT_EQ(rendition->length(), std::max(mastodon_length(posts[0]), mastodon_length(posts[1])));
}

TEST(Mastodon, AThreadLosesNoWord) {
    Content content = samples::make_content();
    Text& text = *content.mutable_draft()->mutable_texts(1);
    std::string words;
    for (int i = 0; i < 250; ++i) words += fmt::format(" word{}", i);
    text.set_instruction("Leave." + words);
    text.clear_description();
    const auto posts =
        posts_of(body_of(render("mastodon", content, "en-CA", samples::make_fixed())));
    ASSERT_EQ(posts.size(), 5u);
    std::string all;
    for (const std::string& post : posts) {
        const auto begin = text.headline().size() + 2, mark = post.find("… (");
        all += post.substr(begin, std::min(mark, post.find(" (5/5)")) - begin) + " ";
    }
    EXPECT_EQ(all, text.instruction() + " ");
}

TEST(Mastodon, EachPostOfAnExerciseSaysSo) {
    Content content = samples::make_content();
    content.set_world("exercise");
    std::string words;
    for (int i = 0; i < 150; ++i) words += fmt::format("Word {}. ", i);
    content.mutable_draft()->mutable_texts(1)->set_description(words);
    const auto posts =
        posts_of(body_of(render("mastodon", content, "en-CA", samples::make_fixed())));
    EXPECT_GT(posts.size(), 2u);
    for (const std::string& post : posts)
        EXPECT_TRUE(post.starts_with("EXERCICE – EXERCISE\n\n")) << post;
}

TEST(Mastodon, AHeadingThatLeavesTooLittleRoomIsNotRepeated) {
    Content content = samples::make_content();
    Text& text = *content.mutable_draft()->mutable_texts(1);
    text.set_headline("Leave " + std::string(200, 'h'));
    std::string words;
    for (int i = 0; i < 40; ++i) words += fmt::format("Word {}. ", i);
    text.set_description(words);
    const auto posts =
        posts_of(body_of(render("mastodon", content, "en-CA", samples::make_fixed())));
    ASSERT_GT(posts.size(), 1u);
    EXPECT_TRUE(posts[0].starts_with("Leave hhh"));
    EXPECT_TRUE(posts[1].starts_with("Word ")) << posts[1];
}

// From here on what no thread can carry.
TEST(Mastodon, TheDescriptionGoesFirst) {
    Content content = samples::make_content();
    content.mutable_draft()->mutable_texts(1)->set_description(std::string(600, 'd'));
    const std::string status =
        body_of(render("mastodon", content, "en-CA", samples::make_fixed()))["status"];
    EXPECT_FALSE(status.contains("ddd"));
    EXPECT_TRUE(status.contains(content.draft().texts(1).instruction() + "\n\nhttps://"));
}

TEST(Mastodon, ThenTheInstructionIsCutBehindASentence) {
    Content content = samples::make_content();
    content.mutable_draft()->mutable_texts(1)->set_instruction(
        "Leave the banks now. Go to higher ground. X" + std::string(600, 'x'));
    const std::string status =
        body_of(render("mastodon", content, "en-CA", samples::make_fixed()))["status"];
    EXPECT_EQ(status, content.draft().texts(1).headline() +
                          "\n\nLeave the banks now. Go to higher ground. …"
                          "\n\nhttps://alerts.example.com/a/rel-1");
}

TEST(Mastodon, UnlessThatLosesMoreThanHalf) {
    Content content = samples::make_content();
    std::string words = "Leave now. The";
    for (int i = 0; i < 500; ++i) words += " water";
    content.mutable_draft()->mutable_texts(1)->set_instruction(words);
    const std::string status =
        body_of(render("mastodon", content, "en-CA", samples::make_fixed()))["status"];
    EXPECT_TRUE(status.contains("Leave now. The water water")) << status;
    EXPECT_GT(mastodon_length(status), 490);
}

TEST(Mastodon, OrBehindAWordNeverInsideOne) {
    Content content = samples::make_content();
    std::string words = "Leave";
    for (int i = 0; i < 200; ++i) words += " https://example.com/shelter";
    content.mutable_draft()->mutable_texts(1)->set_instruction(words);
    const std::string status =
        body_of(render("mastodon", content, "en-CA", samples::make_fixed()))["status"];
    EXPECT_TRUE(status.contains("https://example.com/shelter…\n\nhttps://alerts.")) << status;
    EXPECT_LE(mastodon_length(status), 500);
    EXPECT_GT(mastodon_length(status), 470);
}

TEST(Mastodon, HeadlineAndLinkAreNeverCut) {
    Content content = samples::make_content();
    content.mutable_draft()->mutable_texts(1)->set_headline(std::string(480, 'h'));
    const auto rendition = render("mastodon", content, "en-CA", samples::make_fixed());
    ASSERT_FALSE(rendition.has_value());
    EXPECT_EQ(rendition.error().code, "too_long");
    EXPECT_EQ(rendition.error().field, "texts[1].headline");
}

TEST(Mastodon, TheServersOwnLimitIsObeyed) {
    const ChannelKind& kind = *find_kind("mastodon");
    Limits limits = kind.limits;
    limits.text_max = 5000;
    Content content = samples::make_content();
    content.mutable_draft()->mutable_texts(0)->set_description(std::string(4000, 'd'));
    const auto rendition = kind.render(content, "fr-CA", samples::make_fixed(), limits);
    ASSERT_TRUE(rendition.has_value());
    EXPECT_GT(rendition->length(), 4000);
    EXPECT_EQ(rendition->length_max(), 5000);
}

TEST(Mastodon, OtherWordsReplaceTheTextAndKeepTheLink) {
    Content content = samples::make_content();
    ChannelText* other = content.mutable_draft()->mutable_texts(0)->add_channel_texts();
    other->set_kind("mastodon");
    other->set_text("Quittez les berges !");
    EXPECT_EQ(body_of(render("mastodon", content, "fr-CA", samples::make_fixed()))["status"],
              "Quittez les berges !\n\nhttps://alerts.example.com/a/rel-1");
    // A thread begins with them, and each other post of it with the headline.
    std::string many;
    for (int i = 0; i < 60; ++i) many += fmt::format("Quittez {} ! ", i);
    other->set_text(many);
    const auto posts =
        posts_of(body_of(render("mastodon", content, "fr-CA", samples::make_fixed())));
    ASSERT_EQ(posts.size(), 2u);
    EXPECT_TRUE(posts[0].starts_with("Quittez 0 !"));
    EXPECT_TRUE(posts[1].starts_with(content.draft().texts(0).headline() + "\n\nQuittez"));
    other->set_text(std::string(478, 'x'));
    const auto rendition = render("mastodon", content, "fr-CA", samples::make_fixed());
    ASSERT_FALSE(rendition.has_value());
    EXPECT_EQ(rendition.error().field, "texts[0].channel_texts[0].text");
}

TEST(Mastodon, WhatIsNotRealSaysSoFirst) {
    Content content = samples::make_content();
    const auto status = [&] {
        return std::string{
            body_of(render("mastodon", content, "en-CA", samples::make_fixed()))["status"]};
    };
    EXPECT_TRUE(status().starts_with("Flooding"));
    content.mutable_draft()->set_status(v1::STATUS_TEST);
    EXPECT_TRUE(status().starts_with("TEST\n\n"));
    content.mutable_draft()->set_status(v1::STATUS_EXERCISE);
    EXPECT_TRUE(status().starts_with("EXERCICE – EXERCISE\n\n"));
    // The world alone is enough, and other words do not hide it.
    content.mutable_draft()->set_status(v1::STATUS_ACTUAL);
    content.set_world("exercise");
    ChannelText* other = content.mutable_draft()->mutable_texts(1)->add_channel_texts();
    other->set_kind("mastodon");
    other->set_text("Leave!");
    EXPECT_TRUE(status().starts_with("EXERCICE – EXERCISE\n\nLeave!"));
}

TEST(Mastodon, ARetractionSaysTheRetractionAndNothingElse) {
    const std::string status = body_of(
        render("mastodon", samples::make_content(), "fr-CA", samples::make_retraction()))["status"];
    EXPECT_TRUE(status.starts_with("Annulée : l'alerte d'inondation")) << status;
    EXPECT_FALSE(status.contains("Quittez"));
    Content silent = samples::make_content();
    silent.mutable_draft()->clear_retraction();
    const auto refused = render("mastodon", silent, "fr-CA", samples::make_retraction());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().field, "retraction");
}

TEST(Webhook, TheBodyNamesTheMessageAndItsDigest) {
    const Content content = samples::make_content();
    const auto rendition = render("webhook", content, "", samples::make_fixed());
    const auto body = body_of(rendition);
    EXPECT_TRUE(rendition->body().starts_with(
        R"({"type":"tocsin.message.released","timestamp":"2026-06-20T12:05:00-06:00","data":{)"));
    EXPECT_EQ(body["data"]["digest"], digest(serialise(content)));
    EXPECT_EQ(body["data"]["status"], "Actual");
    EXPECT_EQ(body["data"]["agency"], "calgary");
    EXPECT_EQ(body["data"]["revision"], 1);
    EXPECT_EQ(body["data"]["expires"], "2026-06-21T06:00:00-00:00");
    EXPECT_EQ(body["data"]["texts"].size(), 2U);
    EXPECT_EQ(body["data"]["texts"][0]["language"], "fr-CA");
    EXPECT_EQ(body["data"]["areas"][0]["descriptions"]["en-CA"], "Calgary, along the Bow River");
    EXPECT_EQ(rendition->length(), std::ssize(rendition->body()));
}

TEST(Webhook, ARetractionNamesWhatItCancels) {
    const auto body =
        body_of(render("webhook", samples::make_content(), "", samples::make_retraction()));
    EXPECT_EQ(body["type"], "tocsin.message.retracted");
    EXPECT_EQ(body["data"]["retracts"], samples::make_fixed().identifier());
    EXPECT_EQ(body["data"]["texts"][1]["headline"],
              "Cancelled: the flood alert for Calgary was wrong");
}

TEST(Webhook, AnExerciseIsMarked) {
    Content content = samples::make_content();
    content.set_world("exercise");
    const auto body = body_of(render("webhook", content, "", samples::make_fixed()));
    EXPECT_EQ(body["data"]["status"], "Exercise");
    EXPECT_EQ(body["data"]["world"], "exercise");
    // Each part says it, in each language: a receiver may show any of them alone.
    for (const auto& text : body["data"]["texts"])
        for (const char* part : {"headline", "description"})
            EXPECT_TRUE(text[part].get<std::string>().starts_with("EXERCICE – EXERCISE: ")) << text;
}

TEST(Webhook, PolygonsAreLeftOutBeforeTheBodyIsTooLarge) {
    Content content = samples::make_content();
    content.mutable_draft()->mutable_areas(0)->add_polygons(std::string(19'900, '1'));
    const auto rendition = render("webhook", content, "", samples::make_fixed());
    ASSERT_TRUE(rendition.has_value());
    EXPECT_LT(rendition->length(), 20'000);
    EXPECT_EQ(body_of(rendition)["data"]["areas"][0]["polygons_left_out"], true);
}

TEST(Webhook, ABodyOf20KilobytesIsRefused) {
    Content content = samples::make_content();
    for (Text& text : *content.mutable_draft()->mutable_texts()) {
        text.set_description(std::string(8000, 'd'));
        text.set_instruction(std::string(8000, 'i'));
    }
    const auto rendition = render("webhook", content, "", samples::make_fixed());
    ASSERT_FALSE(rendition.has_value());
    EXPECT_EQ(rendition.error().code, "too_long");
}

// Words, links, mentions, emoji, accents and bytes that are no text at all.
std::string random_text(std::mt19937& random, size_t pieces_max) {
    static const std::string pieces[] = {
        "Leave",    " ",           "\n",
        ". ",       "é",           "e\u0301",
        "🇨🇦",       "👩‍🚒", "https://a.ca/b",
        "@a@b.ca ", "\u202F",      "«\u00A0oui\u00A0»",
        "\x01",     "http://é.ca", "rivière ",
        "\"",       "\\",          "…",
        "! ",       "ᐃᓄᒃᑎᑐᑦ ",
    };
    std::string text = "x";
    for (size_t left = random() % pieces_max; left > 0; --left)
        text += pieces[random() % std::size(pieces)];
    return text;
}

TEST(Channels, RenderIsPureAndNeverPassesTheLimit) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 100; ++round) {
        Content content = samples::make_content();
        for (Text& text : *content.mutable_draft()->mutable_texts()) {
            text.set_headline(random_text(random, 60));
            text.set_description(random_text(random, 300));
            text.set_instruction(random_text(random, 600));
        }
        for (const ChannelKind& kind : all_kinds()) {
            for (const std::string& language : languages_of(kind.traits.parts, content)) {
                const Content copy = content;
                const Fixed fixed = samples::make_fixed();
                const auto first = kind.render(content, language, fixed, kind.limits);
                const auto second = kind.render(copy, language, fixed, kind.limits);
                ASSERT_EQ(first.has_value(), second.has_value());
                if (!first) continue;
                EXPECT_EQ(first->body(), second->body());
                EXPECT_TRUE(first->length_max() == 0 || first->length() <= first->length_max());
                if (kind.kind != "mastodon") continue;
                int64_t length = 0;
                for (const std::string& post : posts_of(body_of(first)))
                    length = std::max(length, mastodon_length(post));
                EXPECT_EQ(length, first->length());
                EXPECT_TRUE(posts_of(body_of(first))[0].ends_with(fixed.permalink()));
            }
        }
    }
}

TEST(Channels, FrenchIsLongerInBytesThanInCharacters) {
    const auto rendition =
        render("mastodon", samples::make_content(), "fr-CA", samples::make_fixed());
    ASSERT_TRUE(rendition.has_value());
    EXPECT_LT(rendition->length(), std::ssize(rendition->body()));
    EXPECT_LE(rendition->length(), 500);
}

}  // namespace
}  // namespace tocsin::content
