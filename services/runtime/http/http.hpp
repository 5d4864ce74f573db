// HTTP as seen by channels and sources: one asynchronous client over libcurl, one event-loop thread
// on which every coroutine resumes. Everything has a deadline and a size limit.
#pragma once

#include "runtime/base/task.hpp"
#include "runtime/base/time.hpp"
#include "runtime/http/curl_events.hpp"
#include "runtime/http/name_lookups.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tocsin::runtime {

struct HttpRequest {
    // For whom (the realm): what there is a bounded number of is shared out among owners.
    std::string owner;
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds timeout{15'000};  // for the whole exchange
    std::size_t response_bytes_max = 1U << 20;
    // Without it, loopback, private, link-local and other inner addresses are refused after name
    // resolution, at the moment of connecting.
    bool allow_private_addresses = false;
    // Called once the name is resolved, the connection made and TLS agreed, immediately before the
    // first byte: why it must not start any more; empty when it may.
    std::function<std::string()> veto{};
};

// Without the secret of the request's `authorization`, where the server says it again.
struct HttpResponse {
    int status = 0;
    std::multimap<std::string, std::string> headers;  // see http_header.hpp
    std::string body;
    Time written_at;   // when the last byte of the request was written
    Time answered_at;  // when the answer was complete

    // The first header of that name, or nothing.
    std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string{} : found->second;
    }
};

struct HttpError {
    enum class Kind {
        not_sent,         // certain: no byte of the request left
        vetoed,           // the same, by the request's own veto; `text` is what it said
        unknown_outcome,  // it may have been received and acted upon
        refused_by_limit  // an answer came, larger than allowed
    };
    Kind kind = Kind::not_sent;
    std::string text;
    Time written_at;  // unset when not_sent or vetoed
    // Of an answer that came in part: as they came or, where that is more, as they came out.
    std::size_t received_bytes = 0;
};

using HttpResult = std::expected<HttpResponse, HttpError>;

// What channels and sources are written against; tests drive them with a fake.
class HttpTransport {
public:
    virtual ~HttpTransport() = default;
    virtual Task<HttpResult> send(HttpRequest request) = 0;
    virtual Task<void> sleep_until(std::chrono::steady_clock::time_point when) = 0;
};

// Redirects are never followed. Connections are kept and reused. Names are looked up elsewhere (see
// name_lookups.hpp), so that the loop waits for nobody's.
class HttpClient final : public HttpTransport {
public:
    using Done = std::move_only_function<void(HttpResult)>;
    // Why no request may go to that name or address and port; empty: it may.
    using Refusal = std::function<std::string(std::string_view host, int port)>;

    HttpClient() : HttpClient(look_up_by_system) {}
    explicit HttpClient(LookUp look_up);
    ~HttpClient() override;
    HttpClient(const HttpClient&) = delete;

    // For all requests, whatever they say themselves; before the first one. Asked on the loop
    // thread: before a name is looked up, with each address before a connection to it is made, and
    // before the first byte, also of a connection that was kept.
    void refuse(Refusal refusal) { refusal_ = std::move(refusal); }

    Task<HttpResult> send(HttpRequest request) override;
    Task<void> sleep_until(std::chrono::steady_clock::time_point when) override;
    // Thread-safe; `done` runs on the loop thread, or at once after stop().
    void send(HttpRequest request, Done done);
    // Runs `task` on the loop thread. After stop() it is dropped.
    void post(std::move_only_function<void()> task);
    void at(std::chrono::steady_clock::time_point when, std::move_only_function<void()> task);
    // Ends what is under way and the thread. Sleepers are never woken: what they would do must not
    // be done early.
    void stop();

private:
    struct Exchange;
    // An exchange that waits for its host's addresses, and the number of that lookup.
    struct Unresolved {
        std::unique_ptr<Exchange> exchange;
        std::uint64_t lookup = 0;
    };
    void run();
    void begin(std::unique_ptr<Exchange> exchange);
    void look_up(std::unique_ptr<Exchange> exchange);
    void looked_up(std::uint64_t ticket, const Addresses& addresses);
    void give_up(std::uint64_t ticket, const std::string& why);
    void start(std::unique_ptr<Exchange> exchange, const std::vector<std::string>& addresses);
    void finish(void* easy, int code);

    void* multi_;
    CurlEvents events_;
    Refusal refusal_ = [](std::string_view, int) { return std::string{}; };
    std::map<void*, std::unique_ptr<Exchange>> running_;  // loop thread only
    std::map<std::uint64_t, Unresolved> unresolved_;      // the same; by ticket
    std::uint64_t tickets_ = 0;
    std::mutex mutex_;
    std::vector<std::move_only_function<void()>> posted_;
    std::multimap<std::chrono::steady_clock::time_point, std::move_only_function<void()>> timers_;
    bool stopping_ = false;
    std::thread thread_;
    NameLookups lookups_;  // last: what it brings is posted to the members above
};

// Where an http or https URL leads, as the client itself reads it: `scheme://host:port` in small
// letters (RFC 6454). Empty for anything else, and for a URL that names a user.
std::string origin_of(const std::string& url);

// The part of an http or https URL that is no secret: scheme, host, port and path; user information
// and query may be secrets. `text` may be relative to `base`. Empty for anything else.
std::string shown_url(const std::string& base, const std::string& text);

// Whether an address must not be reached from here: loopback, private, link-local, shared, unique
// local, NAT64 and the like. `text` is a numeric IPv4 or IPv6 address.
bool is_private_address(std::string_view text);

}  // namespace tocsin::runtime
