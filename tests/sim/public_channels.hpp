// What is outside: a webhook receiver that knows a repeat by its id, an account whose server knows
// one by its key. They remember what became public, and do not tell who asks twice apart.
#pragma once

#include "runtime/http/http.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::sim {

class PublicChannels {
public:
    // In so many ways it may answer wrongly after it did its work, and in one more before, in the
    // words with which it would complain about a repeat: what is left in doubt by that a person has
    // to resolve, where there is one.
    int spoilt_ways = 6;
    static constexpr int refuses = 6;
    // The request arrives. `spoilt`: in which of them it is answered; negative: rightly.
    runtime::HttpResponse serve(const runtime::HttpRequest& request, int spoilt, runtime::Time now);
    // The server knows no repeat by its key any more.
    void forget_keys() { post_of_.clear(); }

    // The account may do nothing more until it is given back.
    void suspend(bool suspended) { suspended_ = suspended; }
    bool suspended() const { return suspended_; }

    // How often the public sees what was sent under a key: each id once, each post once.
    int shown(const std::string& key) const;
    // Bodies that were sent under a key.
    const std::vector<std::string>& bodies(const std::string& key) const;
    std::vector<std::string> keys() const;

    // Of a request with a public effect its key; empty for any other.
    static std::string key_of(const runtime::HttpRequest& request);

private:
    struct Post {
        std::string key, status, language, in_reply_to, created_at;
    };
    std::string list_posts(const std::string& url) const;

    bool suspended_ = false;
    std::vector<Post> posts_;
    std::map<std::string, std::size_t> post_of_;  // by key
    std::map<std::string, std::vector<std::string>> bodies_;
};

}  // namespace tocsin::sim
