#include "publishing/channels/mastodon_posts.hpp"

#include "content/channel.hpp"
#include "texts/utf8.hpp"

#include <absl/time/time.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace tocsin::publishing {

using nlohmann::json;

// Clocks differ between us and the server.
static constexpr Duration clock_difference = std::chrono::minutes{5};

// Decodes the entity at the start of `rest`; returns how many bytes it took, 0 for none.
static std::size_t decode_entity(std::string_view rest, std::string& text) {
    static constexpr std::pair<std::string_view, char> named[] = {
        {"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
        {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
    for (const auto& [name, character] : named)
        if (rest.starts_with(name)) return text += character, name.size();
    // No further: a text full of these would be searched to its end for each.
    constexpr std::size_t longest = 11;
    const auto end = rest.substr(0, longest).find(';');
    if (!rest.starts_with("&#") || end == std::string_view::npos) return 0;
    const bool hexadecimal = rest.size() > 2 && (rest[2] == 'x' || rest[2] == 'X');
    const char* first = rest.data() + (hexadecimal ? 3 : 2);
    uint32_t code = 0;
    const auto [stop, error] =
        std::from_chars(first, rest.data() + end, code, hexadecimal ? 16 : 10);
    if (error != std::errc{} || stop != rest.data() + end || code > 0x10FFFF) return 0;
    texts::append_utf8(text, code);
    return end + 1;
}

static bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' '; }

std::string bare_text(std::string_view html) {
    static constexpr std::string_view no_break = "\xC2\xA0";
    std::string text;
    for (std::size_t i = 0; i < html.size();) {
        if (html[i] == '<') {
            const auto end = html.find('>', i);
            if (end == std::string_view::npos) break;
            i = end + 1;
        } else if (const std::size_t taken =
                       html[i] == '&' ? decode_entity(html.substr(i), text) : 0) {
            i += taken;
        } else {
            text += html[i++];
        }
        if (!text.empty() && is_blank(text.back())) text.pop_back();
        // Servers differ in what they make of blanks that do not break.
        if (text.ends_with(no_break)) text.resize(text.size() - no_break.size());
    }
    return text;
}

static std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

namespace {

// What is read of a post; the rest of it is passed over.
struct Post {
    std::string id, url, content, created_at, language, in_reply_to;

    std::string* field(std::string_view name) {
        const std::pair<std::string_view, std::string*> all[] = {{"id", &id},
                                                                 {"url", &url},
                                                                 {"content", &content},
                                                                 {"created_at", &created_at},
                                                                 {"language", &language},
                                                                 {"in_reply_to_id", &in_reply_to}};
        for (const auto& [known, text] : all)
            if (known == name) return text;
        return nullptr;
    }
};

// The delivery that is looked for, prepared once for all posts.
class Wanted {
public:
    explicit Wanted(const Job& job)
        : fixed_(job.delivery.fixed()), fire_at_(runtime::from_proto(fixed_.fire_at())) {
        const json body = json::parse(job.body ? job.body->bytes() : std::string{}, nullptr, false);
        if (!body.is_object()) return;
        text_ = bare_text(text_of(body, "status"));
        language_ = text_of(body, "language");
        in_reply_to_ = text_of(body, "in_reply_to_id");
        if (!fixed_.retraction()) retraction_ = retraction_of(job);
    }

    bool is(const Post& post) const {
        // The same words may have been posted for another flood.
        if (too_old(post)) return false;
        // Nor is the retraction of another message this one's, though its words are the same.
        if (post.in_reply_to != in_reply_to_) return false;
        const std::string there = bare_text(post.content);
        if (!text_.empty() && there == text_) return true;
        // A link is a mark only where it names this very release; the languages share it, and so
        // may its retraction, which begins with other words.
        const bool own_link = !fixed_.release_id().empty() &&
                              fixed_.permalink().contains(fixed_.release_id()) &&
                              (!fixed_.retraction() || fixed_.permalink().contains("-cancel"));
        return own_link && (language_.empty() || post.language == language_) &&
               !post.language.empty() && !begins_as_retraction(there) &&
               (post.content.contains(fixed_.permalink()) || there.contains(fixed_.permalink()));
    }

private:
    // What would be posted to take it back; empty where there are no words for that.
    static std::string retraction_of(const Job& job) {
        const content::ChannelKind* kind = content::find_kind(job.delivery.kind());
        if (!kind || !job.approved || !job.approved->parsed()) return {};
        content::v1::Fixed fixed = job.delivery.fixed();
        fixed.set_retraction(true);
        content::Limits unlimited = kind->limits;
        unlimited.text_max = 0;
        const auto rendition =
            kind->render(*job.approved->parsed(), job.delivery.language(), fixed, unlimited);
        if (!rendition) return {};
        return bare_text(text_of(json::parse(rendition->body(), nullptr, false), "status"));
    }

    // As far as the first byte in which that differs from the message.
    bool begins_as_retraction(const std::string& there) const {
        const auto differs = std::ranges::mismatch(retraction_, text_).in1;
        if (differs == retraction_.end()) return false;
        const std::string_view begin(retraction_.begin(), differs + 1);
        return there.starts_with(begin);
    }

    bool too_old(const Post& post) const {
        absl::Time created;
        constexpr std::size_t longest = 64;
        if (post.created_at.size() > longest ||
            !absl::ParseTime(absl::RFC3339_full, post.created_at, &created, nullptr))
            return false;
        const Time there{std::chrono::microseconds{absl::ToUnixMicros(created)}};
        return there + clock_difference < fire_at_;
    }

    const content::v1::Fixed& fixed_;
    Time fire_at_;
    std::string text_;
    std::string retraction_;
    std::string language_;
    std::string in_reply_to_;
};

// Reads a list of posts as it comes, holding one of them at a time, and ends where it knows enough.
class PostsReader final : public nlohmann::json_sax<json> {
public:
    explicit PostsReader(const Wanted& wanted) : wanted_(wanted) {}

    bool found() const { return found_; }
    // Whether all posts were looked at that count.
    bool whole() const { return found_ || over_ || looked_ == posts_asked_for; }
    const Post& post() const { return post_; }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }
    bool string(string_t& text) override {
        if (depth_ == in_post && field_) *field_ = std::move(text);
        return value();
    }
    bool key(string_t& name) override {
        if (depth_ == in_post) field_ = post_.field(name);
        return true;
    }
    bool start_object(std::size_t) override {
        if (depth_ == 0) return false;
        if (depth_ == in_list) post_ = {};
        field_ = nullptr;
        ++depth_;
        return true;
    }
    bool end_object() override {
        --depth_;
        found_ = depth_ == in_list && wanted_.is(post_);
        return !found_ && value();
    }
    bool start_array(std::size_t) override {
        field_ = nullptr;
        ++depth_;
        return true;
    }
    bool end_array() override {
        --depth_;
        over_ = depth_ == 0;
        return value();
    }
    bool parse_error(std::size_t, const std::string&, const json::exception&) override {
        over_ = false;
        return false;
    }

private:
    static constexpr int in_list = 1;
    static constexpr int in_post = 2;

    // A value ended. False: enough were seen, or it is no list.
    bool value() {
        field_ = nullptr;
        if (depth_ == 0) return over_;
        return depth_ != in_list || ++looked_ < posts_asked_for;
    }

    const Wanted& wanted_;
    Post post_;
    std::string* field_ = nullptr;  // of the post, to be filled by the next value
    int depth_ = 0;
    int looked_ = 0;
    bool over_ = false;
    bool found_ = false;
};

}  // namespace

Found find_post(const std::string& statuses_json, const Job& job) {
    const Wanted wanted{job};
    PostsReader reader{wanted};
    json::sax_parse(statuses_json, &reader);
    if (!reader.whole()) return {.reason = "The server's list of posts cannot be read."};
    if (!reader.found())
        return {.kind = Found::Kind::absent, .reason = "The account does not show the post."};
    return {.kind = Found::Kind::found,
            .reason = {},
            .url = reader.post().url,
            .receipt = reader.post().id};
}

}  // namespace tocsin::publishing
