// The public feed: its indexes and CAP alerts, byte for byte as publishing has them. No token, and
// pages of any origin may read it.
#pragma once

#include "gateway/http_answers.hpp"
#include "gateway/route.hpp"
#include "gateway/upstreams.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::gateway {

// Documents that were served last. Most polls of a feed get what the one before got: publishing
// confirms each time that it is still current, and sends it once. One thread.
class KeptDocuments {
public:
    static constexpr std::size_t documents_max = 256;
    static constexpr std::size_t bytes_max = std::size_t{16} << 20;

    struct Document {
        std::string etag;  // as publishing has it
        std::string body;
    };
    // Null: none is kept under this key.
    std::shared_ptr<const Document> find(const std::string& key);
    // In place of what was kept under it; the least recently used ones make room.
    void keep(const std::string& key, std::shared_ptr<const Document> document);
    std::size_t bytes() const { return bytes_; }

private:
    struct Kept {
        std::shared_ptr<const Document> document;
        std::uint64_t asked = 0;  // the how-manieth question was for it last
    };
    void drop(std::map<std::string, Kept>::iterator kept);

    std::map<std::string, Kept> kept_;
    std::size_t bytes_ = 0;
    std::uint64_t questions_ = 0;
};

class Feeds {
public:
    explicit Feeds(Upstreams& upstreams) : upstreams_(upstreams) {}

    asio::awaitable<HttpResponse> handle(const HttpRequest& request, const Route& route,
                                         Served& served, Peer& peer);

private:
    asio::awaitable<HttpResponse> read(const HttpRequest& request, const Route& route,
                                       Served& served, Peer& peer);

    Upstreams& upstreams_;
    KeptDocuments kept_;
};

// Lets scripts of any origin read the answer (the Fetch standard's CORS).
void open_to_all_origins(HttpResponse& response);

// Whether `If-Modified-Since` is a date at or after `modified`, in whole seconds since the epoch.
// False where it is no HTTP-date of RFC 9110's preferred form, which is the one that is sent here.
bool unmodified_since(std::string_view header, std::int64_t modified);

// Whether `If-None-Match` names this tag (RFC 9110 section 13.1.2: the weak comparison).
bool none_match_names(std::string_view header, std::string_view etag);

// The tags that it names, without quotes; at most 15, and none that publishing would not make.
std::vector<std::string> tags_of(std::string_view header);

}  // namespace tocsin::gateway
