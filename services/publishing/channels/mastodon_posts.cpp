#include "publishing/channels/mastodon_posts.hpp"

#include "content/channel.hpp"
#include "publishing/channels/mastodon_text.hpp"

#include <absl/time/time.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace tocsin::publishing {

using nlohmann::json;

// Clocks differ between us and the server.
static constexpr Duration clock_difference = std::chrono::minutes{5};
// Posts that say the same as one of a thread; a server that shows more of them is not followed.
static constexpr std::size_t later_max = 200;

bool is_mastodon_id(const std::string& id) {
    const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, plain);
}

static std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

static json body_of(const Job& job) {
    return json::parse(job.body ? job.body->bytes() : std::string{}, nullptr, false);
}

static std::vector<std::string> statuses_of(const json& body) {
    if (!body.is_object()) return {};
    std::vector<std::string> all{text_of(body, "status")};
    if (const auto thread = body.find("thread"); thread != body.end() && thread->is_array())
        for (const json& one : *thread)
            all.push_back(one.is_string() ? one.get<std::string>() : "");
    return all;
}

std::vector<std::string> statuses_of(const Job& job) { return statuses_of(body_of(job)); }

// What is read of a post; the rest of it is passed over.
struct PostSearch::Post {
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
class PostSearch::Wanted {
public:
    explicit Wanted(const Job& job)
        : fixed_(job.delivery.fixed()), fire_at_(runtime::from_proto(fixed_.fire_at())) {
        const json body = body_of(job);
        for (const std::string& status : statuses_of(body)) texts_.push_back(bare_text(status));
        if (texts_.empty()) return;
        language_ = text_of(body, "language");
        in_reply_to_ = text_of(body, "in_reply_to_id");
        if (!fixed_.retraction()) retraction_ = retraction_of(job);
    }

    std::size_t posts() const { return texts_.size(); }

    bool is_first(const Post& post) const {
        // The same words may have been posted for another flood.
        if (texts_.empty() || too_old(post)) return false;
        // Nor is the retraction of another message this one's, though its words are the same. It
        // answers nothing where what it was to answer is gone.
        if (post.in_reply_to != in_reply_to_ && !(post.in_reply_to.empty() && links_here(post)))
            return false;
        const std::string there = bare_text(post.content);
        if (!texts_[0].empty() && there == texts_[0]) return true;
        // The languages share the link, and so may its retraction, which begins with other words.
        return links_here(post) && in_language(post) && !begins_as_retraction(there);
    }

    // Which later one its words are; 0: none. That it is of this thread, its place there shows.
    std::size_t later(const Post& post) const {
        if (posts() < 2 || post.in_reply_to.empty()) return 0;
        const std::string there = bare_text(post.content);
        for (std::size_t i = 1; i < posts(); ++i) {
            const std::string mark = fmt::format("({}/{})", i + 1, posts());
            if (there == texts_[i] || (in_language(post) && there.ends_with(mark))) return i;
        }
        return 0;
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

private:
    // A link is a mark only where it names this very release.
    bool links_here(const Post& post) const {
        const std::string& link = fixed_.permalink();
        return !fixed_.release_id().empty() && link.contains(fixed_.release_id()) &&
               (!fixed_.retraction() || link.contains("-cancel")) &&
               (post.content.contains(link) || bare_text(post.content).contains(link));
    }

    bool in_language(const Post& post) const {
        return !post.language.empty() && (language_.empty() || post.language == language_);
    }

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
        const auto differs = std::ranges::mismatch(retraction_, texts_[0]).in1;
        if (differs == retraction_.end()) return false;
        const std::string_view begin(retraction_.begin(), differs + 1);
        return there.starts_with(begin);
    }

    const content::v1::Fixed& fixed_;
    Time fire_at_;
    std::vector<std::string> texts_;
    std::string retraction_;
    std::string language_;
    std::string in_reply_to_;
};

// Reads a list of posts as it comes, holding one of them at a time, and ends where it knows enough.
class PostSearch::Reader final : public nlohmann::json_sax<json> {
public:
    explicit Reader(PostSearch& search) : search_(search) {}

    bool found() const { return found_; }
    // Whether all posts were looked at that count.
    bool whole() const { return found_ || over_ || looked_ == posts_asked_for; }
    bool empty() const { return looked_ == 0; }
    // The last one that was looked at.
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
        found_ = depth_ == in_list && take();
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

    // What answers a post is newer: with the first one all of them were seen.
    bool take() {
        if (search_.wanted_->is_first(post_)) return true;
        const std::size_t index = search_.wanted_->later(post_);
        if (index > 0 && search_.later_.size() < later_max)
            search_.later_.push_back({index, post_.id, post_.in_reply_to});
        return false;
    }

    // A value ended. False: enough were seen, or it is no list.
    bool value() {
        field_ = nullptr;
        if (depth_ == 0) return over_;
        return depth_ != in_list || ++looked_ < posts_asked_for;
    }

    PostSearch& search_;
    Post post_;
    std::string* field_ = nullptr;  // of the post, to be filled by the next value
    int depth_ = 0;
    int looked_ = 0;
    bool over_ = false;
    bool found_ = false;
};

PostSearch::PostSearch(const Job& job) : wanted_(std::make_unique<const Wanted>(job)) {}
PostSearch::~PostSearch() = default;

void PostSearch::found(const Post& first) {
    shown_ = {.posts = 1, .id = first.id, .url = first.url, .end = first.id};
    const auto next = [&] {
        return std::ranges::find_if(later_, [&](const Later& one) {
            return one.index == shown_.posts && one.in_reply_to == shown_.end;
        });
    };
    for (auto one = next(); one != later_.end(); one = next()) {
        shown_.end = one->id;
        ++shown_.posts;
    }
}

PostSearch::After PostSearch::read(const std::string& statuses_json) {
    Reader reader{*this};
    json::sax_parse(statuses_json, &reader);
    if (!reader.whole()) return After::unreadable;
    if (reader.found()) found(reader.post());
    if (reader.found() || reader.empty() || wanted_->too_old(reader.post())) return After::over;
    // Whatever the server shows, the walk ends: it goes on from another post each time.
    const std::string& last = reader.post().id;
    if (!is_mastodon_id(last) || last == last_id_) return After::unreadable;
    last_id_ = last;
    return After::goes_on;
}

}  // namespace tocsin::publishing
