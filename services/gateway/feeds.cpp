#include "gateway/feeds.hpp"

#include "content/feed_page.hpp"
#include "texts/utf8.hpp"
#include "tocsin/publishing/v1/publishing_service.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tocsin::gateway {

static constexpr std::chrono::milliseconds timeout{5000};

// Few are longer, and most requests are answered from what is here already. As many as there may be
// connections have room, so that a rush of readers is not refused.
static constexpr std::size_t document_bytes = std::size_t{32} << 10;

bool none_match_names(std::string_view header, std::string_view etag) {
    while (!header.empty()) {
        const std::size_t begin = header.find_first_not_of(" \t,");
        if (begin == std::string_view::npos) return false;
        header.remove_prefix(begin);
        if (header.front() == '*') return true;
        if (header.starts_with("W/")) header.remove_prefix(2);
        const std::size_t end =
            header.starts_with('"') ? header.find('"', 1) : std::string_view::npos;
        if (end == std::string_view::npos) return false;
        if (header.substr(0, end + 1) == etag) return true;
        header.remove_prefix(end + 1);
    }
    return false;
}

bool unmodified_since(std::string_view header, std::int64_t modified) {
    using namespace std::chrono;
    // `Sun, 06 Nov 1994 08:49:37 GMT`: written anew, it must be the same.
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (header.size() != 29) return false;
    const auto number = [&](std::size_t at, std::size_t size) {
        unsigned value = 0;
        std::from_chars(header.data() + at, header.data() + at + size, value);
        return value;
    };
    const std::size_t month = months.find(header.substr(8, 3));
    if (month == std::string_view::npos || month % 3 != 0) return false;
    const year_month_day date{year{static_cast<int>(number(12, 4))},
                              std::chrono::month{static_cast<unsigned>(month / 3 + 1)},
                              day{number(5, 2)}};
    if (!date.ok()) return false;
    const auto since =
        sys_days{date} + hours{number(17, 2)} + minutes{number(20, 2)} + seconds{number(23, 2)};
    return content::http_date(since) == header && since.time_since_epoch().count() >= modified;
}

void open_to_all_origins(HttpResponse& response) {
    response.set(http::field::access_control_allow_origin, "*");
    // Beside those that every script may read.
    response.set(http::field::access_control_expose_headers, "ETag, Tocsin-Stale-Seconds");
}

std::vector<std::string> tags_of(std::string_view header) {
    // Publishing takes 16; one is that of the document that is kept here.
    constexpr std::size_t tags_max = 15;
    constexpr std::size_t tag_bytes_max = 100;
    // Publishing's are digests. Other bytes, which a header may hold, are no text to gRPC.
    const auto may_be_ours = [](std::string_view tag) {
        return !tag.empty() && tag.size() <= tag_bytes_max &&
               std::ranges::all_of(tag, [](char letter) { return letter > 0x20 && letter < 0x7f; });
    };
    std::vector<std::string> tags;
    while (tags.size() < tags_max) {
        const std::size_t begin = header.find('"');
        if (begin == std::string_view::npos) break;
        header.remove_prefix(begin + 1);
        const std::size_t end = header.find('"');
        if (end == std::string_view::npos) break;
        if (may_be_ours(header.substr(0, end))) tags.emplace_back(header.substr(0, end));
        header.remove_prefix(end + 1);
    }
    return tags;
}

std::shared_ptr<const KeptDocuments::Document> KeptDocuments::find(const std::string& key) {
    const auto found = kept_.find(key);
    if (found == kept_.end()) return nullptr;
    found->second.asked = ++questions_;
    return found->second.document;
}

void KeptDocuments::keep(const std::string& key, std::shared_ptr<const Document> document) {
    if (const auto found = kept_.find(key); found != kept_.end()) drop(found);
    if (document->body.size() > bytes_max) return;
    while (kept_.size() >= documents_max || bytes_ + document->body.size() > bytes_max)
        drop(std::ranges::min_element(kept_, {},
                                      [](const auto& entry) { return entry.second.asked; }));
    bytes_ += document->body.size();
    kept_[key] = {std::move(document), ++questions_};
}

void KeptDocuments::drop(std::map<std::string, Kept>::iterator kept) {
    bytes_ -= kept->second.document->body.size();
    kept_.erase(kept);
}

namespace {

struct Answered {
    std::string body;
    std::string etag;
    bool not_modified = false;
    std::optional<std::int64_t> modified_at;  // in seconds since the epoch
};

template <class Response>
Answered answered(const std::string& bytes) {
    Response response;
    response.ParseFromString(bytes);
    return {std::move(*response.mutable_body()), response.etag(), response.not_modified(),
            response.has_modified_at() ? std::optional{response.modified_at().seconds()}
                                       : std::nullopt};
}

// The sender holds the document and no copy of its bytes.
SharedBody::value_type body_of(const std::shared_ptr<const KeptDocuments::Document>& document) {
    return {document, &document->body};
}

// An entity tag is quoted, and nothing in it may end it.
std::string quoted(std::string etag) {
    std::erase_if(etag,
                  [](char letter) { return letter <= 0x20 || letter > 0x7e || letter == '"'; });
    return '"' + etag + '"';
}

}  // namespace

// What readers of feeds expect; a browser would save that as a file, so it gets what it can show.
static std::string_view media_type_for(const HttpRequest& request, const Route& route) {
    const bool shown = joined(request, "accept").value_or("").contains("text/html");
    if (route.format == "geojson") return shown ? "application/json" : "application/geo+json";
    if (shown) return "application/xml; charset=utf-8";
    if (route.kind == Route::Kind::alert) return "application/cap+xml; charset=utf-8";
    return route.format == "rss" ? "application/rss+xml; charset=utf-8"
                                 : "application/atom+xml; charset=utf-8";
}

static publishing::v1::FeedFormat format_of(const Route& route) {
    if (route.format == "rss") return publishing::v1::FEED_FORMAT_RSS;
    if (route.format == "geojson") return publishing::v1::FEED_FORMAT_GEOJSON;
    return publishing::v1::FEED_FORMAT_ATOM;
}

// Nothing: there is no such page.
static std::optional<int> page_of(const Route& route) {
    const auto text = query_value(route.query, "page");
    if (!text) return 1;
    constexpr int page_max = 10'000;
    int page = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), page);
    const bool number = error == std::errc{} && end == text->data() + text->size();
    return number && page >= 1 && page <= page_max ? std::optional{page} : std::nullopt;
}

// As a sentence: the reader is a program, or a person who mistyped an address.
static HttpResponse not_there(const Route& route, Served& served) {
    served.code = code_name(grpc::StatusCode::NOT_FOUND);
    return answer(http::status::not_found, "text/plain; charset=utf-8",
                  route.kind == Route::Kind::feed
                      ? "There is no such feed: no realm of this name has one, or it has none in "
                        "this language, or fewer pages.\n"
                      : "There is no such alert: it was never public here, or it expired more than "
                        "7 days ago.\n");
}

static UpstreamCall call_for(const Route& route, int page, const std::vector<std::string>& tags) {
    UpstreamCall call;
    call.service = "publishing";
    call.timeout = timeout;
    call.answer_bytes = document_bytes;
    if (route.kind == Route::Kind::feed) {
        publishing::v1::GetFeedRequest request;
        request.set_realm(route.realm);
        request.set_language(route.name);
        request.set_page(page);
        request.set_format(format_of(route));
        request.mutable_known_etags()->Assign(tags.begin(), tags.end());
        call.path = "/tocsin.publishing.v1.PublishingService/GetFeed";
        call.body = request.SerializeAsString();
    } else {
        publishing::v1::GetAlertRequest request;
        request.set_realm(route.realm);
        request.set_identifier(route.name);
        request.mutable_known_etags()->Assign(tags.begin(), tags.end());
        call.path = "/tocsin.publishing.v1.PublishingService/GetAlert";
        call.body = request.SerializeAsString();
    }
    return call;
}

// To a browser that asks before a script of another origin may send such a request.
static HttpResponse preflight() {
    HttpResponse response{http::status::no_content, 11};
    response.set(http::field::allow, "GET, HEAD, OPTIONS");
    response.set(http::field::access_control_allow_methods, "GET, HEAD");
    response.set(http::field::access_control_allow_headers, "If-None-Match, If-Modified-Since");
    response.set(http::field::access_control_max_age, "86400");
    return response;
}

asio::awaitable<HttpResponse> Feeds::handle(const HttpRequest& request, const Route& route,
                                            Served& served, Peer& peer) {
    served.service = "feeds";
    HttpResponse response;
    if (request.method() == http::verb::options)
        response = preflight();
    else if (!reads(request))
        response = wrong_method("GET, HEAD, OPTIONS", served);
    else
        response = co_await read(request, route, served, peer);
    open_to_all_origins(response);
    co_return response;
}

asio::awaitable<HttpResponse> Feeds::read(const HttpRequest& request, const Route& route,
                                          Served& served, Peer& peer) {
    if (!upstreams_.knows("publishing"))
        co_return answer(refusal(grpc::StatusCode::NOT_FOUND, "NOT_SERVED", "no feeds here"),
                         served);
    const auto page = page_of(route);
    // What is no text names nothing.
    if (!page || !texts::is_utf8(route.realm) || !texts::is_utf8(route.name))
        co_return not_there(route, served);
    const auto asked_tags = joined(request, "if-none-match");
    const std::string none_match = asked_tags.value_or("");
    // What the reader has, and what is kept here, is compared there before anything is sent.
    const UpstreamCall plain = call_for(route, *page, {});
    const std::string key = plain.path + plain.body;
    auto kept = kept_.find(key);
    auto tags = tags_of(none_match);
    if (kept) tags.push_back(kept->etag);
    const UpstreamReply reply = co_await upstreams_.call(call_for(route, *page, tags), peer);
    served.limited_by = reply.limited_by;
    if (reply.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
        reply.status.error_code() == grpc::StatusCode::NOT_FOUND)
        co_return not_there(route, served);
    if (!reply.status.ok()) co_return answer(from_grpc(reply.status, "publishing"), served);
    const bool index = route.kind == Route::Kind::feed;
    Answered document = index ? answered<publishing::v1::GetFeedResponse>(reply.body)
                              : answered<publishing::v1::GetAlertResponse>(reply.body);
    const std::string etag = quoted(document.etag);
    const bool tagged = etag.size() > 2;
    SharedBody::value_type body;
    bool same = tagged && none_match_names(none_match, etag);
    // The date is for those that name no tag (RFC 9110 section 13.2.2).
    if (!asked_tags && document.modified_at)
        same = unmodified_since(joined(request, "if-modified-since").value_or(""),
                                *document.modified_at);
    if (!document.not_modified) {
        const auto sent = std::make_shared<const KeptDocuments::Document>(document.etag,
                                                                          std::move(document.body));
        body = body_of(sent);
        if (tagged) kept_.keep(key, sent);
    } else if (!same) {
        // Of the tags that were sent it is the one of what is kept, or the reader's in other words.
        same = !kept || kept->etag != document.etag;
        if (!same) body = body_of(kept);
    }
    HttpResponse response =
        same ? HttpResponse{http::status::not_modified, 11}
             : answer(http::status::ok, media_type_for(request, route), std::move(body));
    response.set(http::field::vary, "Accept");
    if (tagged) response.set(http::field::etag, etag);
    if (document.modified_at)
        response.set(
            http::field::last_modified,
            content::http_date(runtime::Time{std::chrono::seconds{*document.modified_at}}));
    if (!reply.stale_seconds.empty()) response.set("tocsin-stale-seconds", reply.stale_seconds);
    // An alert never changes; an index is what people poll while they wait.
    response.set(http::field::cache_control, index ? "max-age=5" : "max-age=3600");
    co_return response;
}

}  // namespace tocsin::gateway
