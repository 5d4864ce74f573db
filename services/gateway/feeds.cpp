#include "gateway/feeds.hpp"

#include "tocsin/publishing/v1/publishing_service.pb.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace tocsin::gateway {

static constexpr std::chrono::milliseconds timeout{5000};

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

std::vector<std::string> tags_of(std::string_view header) {
    constexpr std::size_t tags_max = 16;
    constexpr std::size_t tag_bytes_max = 100;
    std::vector<std::string> tags;
    while (tags.size() < tags_max) {
        const std::size_t begin = header.find('"');
        if (begin == std::string_view::npos) break;
        header.remove_prefix(begin + 1);
        const std::size_t end = header.find('"');
        if (end == std::string_view::npos) break;
        if (end > 0 && end <= tag_bytes_max) tags.emplace_back(header.substr(0, end));
        header.remove_prefix(end + 1);
    }
    return tags;
}

namespace {

struct Document {
    std::string body;
    std::string etag;
    bool not_modified = false;
};

template <class Response>
Document document_of(const std::string& bytes) {
    Response response;
    response.ParseFromString(bytes);
    return {std::move(*response.mutable_body()), response.etag(), response.not_modified()};
}

// An entity tag is quoted, and nothing in it may end it.
std::string quoted(std::string etag) {
    std::erase_if(etag,
                  [](char letter) { return letter <= 0x20 || letter > 0x7e || letter == '"'; });
    return '"' + etag + '"';
}

}  // namespace

// What readers of feeds expect; a browser would save that as a file, so it is told that it is XML.
static std::string_view media_type_for(const HttpRequest& request, bool index) {
    const auto accept = request[http::field::accept];
    if (std::string_view{accept.data(), accept.size()}.find("text/html") != std::string_view::npos)
        return "application/xml; charset=utf-8";
    return index ? "application/atom+xml; charset=utf-8" : "application/cap+xml; charset=utf-8";
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

static UpstreamCall call_for(const Route& route, int page, std::string_view none_match) {
    UpstreamCall call;
    call.service = "publishing";
    call.timeout = timeout;
    // What the reader has is compared there, before anything is sent.
    const auto tags = tags_of(none_match);
    if (route.kind == Route::Kind::feed) {
        publishing::v1::GetFeedRequest request;
        request.set_realm(route.realm);
        request.set_language(route.name);
        request.set_page(page);
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

asio::awaitable<HttpResponse> Feeds::handle(const HttpRequest& request, const Route& route,
                                            Served& served) {
    served.service = "feeds";
    if (request.method() != http::verb::get && request.method() != http::verb::head)
        co_return wrong_method("GET, HEAD", served);
    if (!upstreams_.knows("publishing"))
        co_return answer(refusal(grpc::StatusCode::NOT_FOUND, "NOT_SERVED", "no feeds here"),
                         served);
    const auto page = page_of(route);
    if (!page)
        co_return answer(refusal(grpc::StatusCode::NOT_FOUND, "NOT_FOUND", "no such page"), served);
    const auto condition = request[http::field::if_none_match];
    const std::string_view none_match{condition.data(), condition.size()};
    const UpstreamReply reply = co_await upstreams_.call(call_for(route, *page, none_match));
    if (reply.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT)
        co_return answer(refusal(grpc::StatusCode::NOT_FOUND, "NOT_FOUND", "no such page"), served);
    if (!reply.status.ok()) co_return answer(from_grpc(reply.status, "publishing"), served);
    const bool index = route.kind == Route::Kind::feed;
    Document document = index ? document_of<publishing::v1::GetFeedResponse>(reply.body)
                              : document_of<publishing::v1::GetAlertResponse>(reply.body);
    const std::string etag = quoted(std::move(document.etag));
    const bool same =
        document.not_modified || (etag.size() > 2 && none_match_names(none_match, etag));
    HttpResponse response =
        same ? HttpResponse{http::status::not_modified, 11}
             : answer(http::status::ok, media_type_for(request, index), std::move(document.body));
    response.set(http::field::vary, "Accept");
    if (etag.size() > 2) response.set(http::field::etag, etag);
    if (!reply.stale_seconds.empty()) response.set("tocsin-stale-seconds", reply.stale_seconds);
    // An alert never changes; an index is what people poll while they wait.
    response.set(http::field::cache_control, index ? "max-age=5" : "max-age=3600");
    co_return response;
}

}  // namespace tocsin::gateway
