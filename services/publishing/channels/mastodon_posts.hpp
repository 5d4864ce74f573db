// Finding one's own posts again among those that a Mastodon server shows.
#pragma once

#include "publishing/wire.hpp"

#include <memory>
#include <string>
#include <vector>

namespace tocsin::publishing {

// The API gives no more of them at once.
inline constexpr int posts_asked_for = 40;

// Whether it may become part of a path; ids are opaque.
bool is_mastodon_id(const std::string& id);

// The texts of the posts that a delivery is, in order; each answers the one before.
std::vector<std::string> statuses_of(const Job& job);

// Which of them an account shows.
struct Shown {
    std::size_t posts = 0;    // from the first one on, without a gap
    std::string id{}, url{};  // of the first
    std::string end{};        // id of the last of them
};

// Looks for the posts of one delivery from the newest post of its account back, page by page.
class PostSearch {
public:
    enum class After { over, goes_on, unreadable };

    // `job` stays until the end.
    explicit PostSearch(const Job& job);
    ~PostSearch();

    // The next page: the answer to GET /api/v1/accounts/:id/statuses. What follows the posts that
    // were asked for is not looked at. `over`: none of what is older can be one of them.
    After read(const std::string& statuses_json);
    // With `goes_on`: the next page has what is older than this.
    const std::string& last_id() const { return last_id_; }
    const Shown& shown() const { return shown_; }

private:
    class Wanted;
    struct Post;
    class Reader;

    void found(const Post& first);

    std::unique_ptr<const Wanted> wanted_;
    // Of those seen so far, what says what a later one of them says.
    struct Later {
        std::size_t index;
        std::string id, in_reply_to;
    };
    std::vector<Later> later_;
    std::string last_id_;
    Shown shown_;
};

}  // namespace tocsin::publishing
