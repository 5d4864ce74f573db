#include "runtime/http/http.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/host/descriptors.hpp"
#include "runtime/http/http_header.hpp"
#include "texts/letters.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>

namespace tocsin::runtime {

struct HttpClient::Exchange {
    HttpRequest request;
    HttpResponse response;
    Done done;
    // Of the host, as libcurl will ask for them; empty: of an address, or of this machine.
    std::string host, port;
    std::chrono::steady_clock::time_point until;
    curl_slist* headers = nullptr;
    curl_slist* addresses = nullptr;
    bool sent_any = false;
    bool too_large = false;
    bool broke_off = false;
    bool refused_address = false;
    const Refusal* refusal = nullptr;
    std::string off_limits;  // what the refusal said
    std::string veto;
    std::size_t came_out = 0;  // of the body, beyond its limit as well
    char error[CURL_ERROR_SIZE] = {};

    ~Exchange() {
        curl_slist_free_all(headers);
        curl_slist_free_all(addresses);
    }
};

static bool in_range(const unsigned char* bytes, std::initializer_list<unsigned char> prefix) {
    return std::equal(prefix.begin(), prefix.end(), bytes);
}

static bool is_private_v4(const unsigned char* b) {
    return b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 ||
           (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254) ||
           (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 192 && b[1] == 0 && b[2] == 0) || (b[0] == 198 && (b[1] & 0xfe) == 18);
}

static bool is_private_v6(const unsigned char* b) {
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped, mapped + 12, b)) return is_private_v4(b + 12);
    if (std::all_of(b, b + 12, [](unsigned char c) { return c == 0; })) return true;  // ::, ::1, v4
    if (in_range(b, {0x00, 0x64, 0xff, 0x9b})) return true;                           // NAT64
    if (in_range(b, {0x20, 0x02})) return is_private_v4(b + 2);                       // 6to4
    return (b[0] & 0xfe) == 0xfc || b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0x80) == 0x80);
}

bool is_private_address(std::string_view text) {
    const std::string address(text);
    unsigned char bytes[16];
    if (inet_pton(AF_INET, address.c_str(), bytes) == 1) return is_private_v4(bytes);
    if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) return is_private_v6(bytes);
    return true;
}

static std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
    return text;
}

// The URL may hold any byte as `%hh`. Between brackets is an address, which libcurl has read.
static bool is_host(std::string_view host) {
    static constexpr std::string_view never = " #%/:<>?@[\\]^|";
    const auto bad = [](char c) {
        return (c >= 0 && c < ' ') || c == 0x7f || never.find(c) != std::string_view::npos;
    };
    return host.starts_with('[') || (!host.empty() && std::ranges::none_of(host, bad));
}

static std::string read_origin(const std::string& text) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    if (!url ||
        curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
        return {};
    const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
    const std::string host = texts::lower_case(url_part(url.get(), CURLUPART_HOST));
    if ((scheme != "https" && scheme != "http") || !is_host(host)) return {};
    return fmt::format("{}://{}:{}", scheme, host,
                       url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

// Read twice: a host in `%hh` is one thing to libcurl when it reads the URL and may be another when
// it reads what it read (`%39` is the name `9`, which is the address 0.0.0.9).
std::string origin_of(const std::string& text) {
    const std::string origin = read_origin(text);
    return origin.empty() || read_origin(origin) == origin ? origin : std::string();
}

std::string shown_url(const std::string& base, const std::string& text) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    if (!url || text.empty()) return {};
    curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0);
    if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return {};
    const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
    const std::string host = url_part(url.get(), CURLUPART_HOST);
    if ((scheme != "https" && scheme != "http") || !is_host(host)) return {};
    const std::string port = url_part(url.get(), CURLUPART_PORT);
    return fmt::format("{}://{}{}{}{}", scheme, host, port.empty() ? "" : ":", port,
                       url_part(url.get(), CURLUPART_PATH));
}

namespace {

// By what a new connection is judged, and what is noted of it. It outlives its request.
struct SocketRule {
    bool allow_private_addresses;
    const HttpClient::Refusal& refusal;
    bool& refused_address;
    std::string& off_limits;
};

}  // namespace

// The address is judged here, when the connection is made: a name that resolves otherwise the
// second time cannot slip through.
static curl_socket_t open_socket(void* into, curlsocktype, curl_sockaddr* address) {
    auto& rule = *static_cast<SocketRule*>(into);
    char text[INET6_ADDRSTRLEN] = {};
    const void* raw =
        address->family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&address->addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(&address->addr)->sin6_addr;
    inet_ntop(address->family, raw, text, sizeof text);
    const bool four = address->family == AF_INET;
    const int port = ntohs(four ? reinterpret_cast<sockaddr_in*>(&address->addr)->sin_port
                                : reinterpret_cast<sockaddr_in6*>(&address->addr)->sin6_port);
    if (!rule.allow_private_addresses && is_private_address(text)) {
        rule.refused_address = true;
        return CURL_SOCKET_BAD;
    }
    if (std::string why = rule.refusal(text, port); !why.empty()) {
        rule.off_limits = std::move(why);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Called where libcurl would look up a name itself.
static int refuse_lookup(void*, void*, void*) { return 1; }

static constexpr std::size_t headers_max = 200;

namespace {

struct Callbacks {
    template <class Exchange>
    static std::size_t body(char* data, std::size_t, std::size_t size, void* into) {
        auto& exchange = *static_cast<Exchange*>(into);
        exchange.came_out += size;
        if (exchange.came_out > exchange.request.response_bytes_max) {
            exchange.too_large = true;
            return 0;
        }
        exchange.response.body.append(data, size);
        return size;
    }

    template <class Exchange>
    static std::size_t header(char* data, std::size_t, std::size_t size, void* into) {
        auto& exchange = *static_cast<Exchange*>(into);
        const std::string_view line(data, size);
        if (line.starts_with("HTTP/")) exchange.response.headers.clear();
        if (exchange.response.headers.size() >= headers_max) return size;
        if (auto header = read_header(line))
            exchange.response.headers.emplace(std::move(header->name), std::move(header->value));
        return size;
    }

    // Runs when a connection is ready and before anything is written to it. libcurl sends a request
    // again by itself, a POST too, when a kept connection breaks before the answer: the first may
    // have been acted upon. And a kept connection was never seen by open_socket on our behalf.
    template <class Exchange>
    static int before(void* into, char* address, char*, int port, int) {
        auto& exchange = *static_cast<Exchange*>(into);
        exchange.broke_off = exchange.sent_any;
        if (!exchange.request.allow_private_addresses && is_private_address(address))
            exchange.refused_address = true;
        exchange.off_limits = (*exchange.refusal)(address, port);
        if (exchange.broke_off || exchange.refused_address || !exchange.off_limits.empty())
            return CURL_PREREQFUNC_ABORT;
        if (exchange.request.veto) exchange.veto = exchange.request.veto();
        return exchange.veto.empty() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
    }

    // Notes when the last byte of the request was written; nothing of it is kept or logged.
    template <class Exchange>
    static int trace(CURL*, curl_infotype type, char*, std::size_t, void* into) {
        auto& exchange = *static_cast<Exchange*>(into);
        if (type != CURLINFO_HEADER_OUT && type != CURLINFO_DATA_OUT) return 0;
        exchange.sent_any = true;
        exchange.response.written_at = system_now();
        return 0;
    }
};

}  // namespace

static CURLM* make_multi() {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM* multi = once == CURLE_OK ? curl_multi_init() : nullptr;
    if (!multi) throw std::runtime_error("libcurl cannot start");
    // Every channel of a release is connected before T0.
    const auto kept = std::clamp<std::size_t>(descriptor_limit() / 8, 256, 2048);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kept));
    return multi;
}

HttpClient::HttpClient(LookUp look_up)
    : multi_(make_multi()), events_(multi_), lookups_(std::move(look_up)) {
    thread_ = std::thread([this] { run(); });
}

HttpClient::~HttpClient() {
    stop();
    curl_multi_cleanup(static_cast<CURLM*>(multi_));
}

void HttpClient::post(std::move_only_function<void()> task) {
    const std::lock_guard guard(mutex_);
    if (stopping_) return;
    posted_.push_back(std::move(task));
    events_.wake();
}

void HttpClient::at(std::chrono::steady_clock::time_point when,
                    std::move_only_function<void()> task) {
    const std::lock_guard guard(mutex_);
    if (stopping_) return;
    timers_.emplace(when, std::move(task));
    events_.wake();
}

static bool hostile(const HttpRequest& request) {
    const auto bad = [](const std::string& text) {
        return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
    };
    return bad(request.url) || bad(request.method) ||
           std::any_of(request.headers.begin(), request.headers.end(),
                       [&](const auto& header) { return bad(header.first) || bad(header.second); });
}

void HttpClient::send(HttpRequest request, Done done) {
    if (hostile(request))
        return done(std::unexpected(
            HttpError{HttpError::Kind::not_sent, "a header or the URL holds a line break", {}}));
    // To libcurl such a timeout would mean: wait for ever.
    if (request.timeout <= std::chrono::milliseconds(0))
        return done(std::unexpected(HttpError{HttpError::Kind::not_sent, "no time is left", {}}));
    auto exchange = std::make_unique<Exchange>();
    exchange->request = std::move(request);
    exchange->done = std::move(done);
    {
        const std::lock_guard guard(mutex_);
        if (!stopping_) {
            posted_.push_back(
                [this, moved = std::move(exchange)]() mutable { begin(std::move(moved)); });
            events_.wake();
            return;
        }
    }
    exchange->done(
        std::unexpected(HttpError{HttpError::Kind::not_sent, "the process is stopping", {}}));
}

static std::string in_words(std::chrono::milliseconds time) {
    if (time.count() % 1000 != 0) return fmt::format("{} ms", time.count());
    return fmt::format("{} s", time.count() / 1000);
}

// Whether libcurl knows its address without a lookup.
static bool needs_no_lookup(const std::string& host) {
    unsigned char bytes[16];
    return host.starts_with('[') || inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           host == "localhost" || host.ends_with(".localhost");
}

void HttpClient::begin(std::unique_ptr<Exchange> exchange) {
    Exchange& here = *exchange;
    here.until = std::chrono::steady_clock::now() + here.request.timeout;
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    if (curl_url_set(url.get(), CURLUPART_URL, here.request.url.c_str(), 0) == CURLUE_OK) {
        here.host = texts::lower_case(url_part(url.get(), CURLUPART_HOST, CURLU_PUNYCODE));
        here.port = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    }
    if (!is_host(here.host))
        return here.done(std::unexpected(
            HttpError{HttpError::Kind::not_sent,
                      "the URL names no host that can be looked up; check it, and write a name "
                      "beyond ASCII as xn--...",
                      {}}));
    if (std::string why = refusal_(here.host, here.port.empty() ? 0 : std::stoi(here.port));
        !why.empty())
        return here.done(std::unexpected(HttpError{HttpError::Kind::not_sent, why, {}}));
    if (needs_no_lookup(here.host)) {
        here.host.clear();
        return start(std::move(exchange), {});
    }
    if (const auto known = lookups_.known(here.host)) return start(std::move(exchange), *known);
    look_up(std::move(exchange));
}

void HttpClient::look_up(std::unique_ptr<Exchange> exchange) {
    const std::uint64_t ticket = ++tickets_;
    const Exchange& here = *exchange;
    auto done = [this, ticket](const Addresses& addresses) {
        post([this, ticket, addresses] { looked_up(ticket, addresses); });
    };
    const std::uint64_t number = lookups_.ask(here.request.owner, here.host, std::move(done));
    at(here.until,
       [this, ticket, why = "it was not answered within " + in_words(here.request.timeout)] {
           give_up(ticket, why);
       });
    unresolved_[ticket] = {std::move(exchange), number};
}

void HttpClient::looked_up(std::uint64_t ticket, const Addresses& addresses) {
    const auto its = unresolved_.find(ticket);
    if (its == unresolved_.end()) return;
    if (!addresses) return give_up(ticket, addresses.error());
    auto exchange = std::move(its->second.exchange);
    unresolved_.erase(its);
    start(std::move(exchange), *addresses);
}

// A lookup that is under way goes on by itself.
void HttpClient::give_up(std::uint64_t ticket, const std::string& why) {
    const auto its = unresolved_.find(ticket);
    if (its == unresolved_.end()) return;
    const auto exchange = std::move(its->second.exchange);
    lookups_.give_up(its->second.lookup);
    unresolved_.erase(its);
    exchange->done(std::unexpected(HttpError{
        HttpError::Kind::not_sent,
        fmt::format("the name {} cannot be looked up ({}); check the name and this machine's DNS",
                    exchange->host, why),
        {}}));
}

// For libcurl's own memory of names, for as long as that keeps what it asked for itself.
static std::string resolve_entry(const std::string& host, const std::string& port,
                                 const std::vector<std::string>& addresses) {
    std::string entry = fmt::format("+{}:{}:", host, port);
    for (const std::string& address : addresses) {
        if (!entry.ends_with(':')) entry += ',';
        entry += address.contains(':') ? fmt::format("[{}]", address) : address;
    }
    return entry;
}

void HttpClient::start(std::unique_ptr<Exchange> exchange,
                       const std::vector<std::string>& addresses) {
    CURL* easy = curl_easy_init();
    Exchange& here = *exchange;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(here.until - std::chrono::steady_clock::now());
    const auto& request = here.request;
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     static_cast<long>(std::max<std::int64_t>(left.count(), 1)));
    // libcurl never waits for a lookup of its own, and begins none for a name.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    if (!here.host.empty()) {
        here.addresses =
            curl_slist_append(nullptr, resolve_entry(here.host, here.port, addresses).c_str());
        curl_easy_setopt(easy, CURLOPT_RESOLVE, here.addresses);
        curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, &refuse_lookup);
    }
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    // What the answer's limit counts is what comes out. Not of a request that changes something: of
    // its answer the status matters, whatever else is wrong with it.
    if (request.method == "GET") curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, here.error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Callbacks::body<Exchange>);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &here);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Callbacks::header<Exchange>);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &here);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, &Callbacks::trace<Exchange>);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &here);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Callbacks::before<Exchange>);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &here);
    here.refusal = &refusal_;
    auto* rule = new SocketRule{request.allow_private_addresses, refusal_, here.refused_address,
                                here.off_limits};
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, rule);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, rule);
    for (const auto& [name, value] : request.headers)
        here.headers = curl_slist_append(here.headers, fmt::format("{}: {}", name, value).c_str());
    here.headers = curl_slist_append(here.headers, "Expect:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, here.headers);
    if (request.method == "HEAD") {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    running_[easy] = std::move(exchange);
    curl_multi_add_handle(static_cast<CURLM*>(multi_), easy);
}

// Headers and body, as they came.
static std::size_t received(CURL* easy) {
    long header = 0;
    curl_off_t body = 0;
    curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &header);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
    return static_cast<std::size_t>(header) + static_cast<std::size_t>(body);
}

// What happened and what to do; `said`: libcurl's own words of it.
static std::string explained(CURLcode code, const std::string& said, bool sent,
                             std::chrono::milliseconds timeout) {
    switch (code) {
        case CURLE_COULDNT_CONNECT:
            return fmt::format(
                "no connection is accepted there ({}); check that the server runs, and that a "
                "firewall lets this machine reach it",
                said);
        case CURLE_OPERATION_TIMEDOUT:
            return fmt::format("{} within {} ({}); check the server and the network",
                               sent ? "no whole answer came" : "no connection was made",
                               in_words(timeout), said);
        case CURLE_PEER_FAILED_VERIFICATION:
            return fmt::format(
                "the server's certificate is not trusted ({}); it must be of a known authority, "
                "for this name, and in force",
                said);
        case CURLE_SSL_CONNECT_ERROR:
            return fmt::format(
                "the server and this machine agree on no TLS ({}); check that the URL's port "
                "speaks it",
                said);
        case CURLE_OUT_OF_MEMORY:
            // How it says of a header line that is longer than it reads, as well.
            return "a header of the answer is too long, or memory is short; ask the server's "
                   "operator";
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_PARTIAL_FILE:
            return fmt::format("the answer ended early ({}); ask the server's operator", said);
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
            return fmt::format(
                "the answer is not HTTP as it should be ({}); check the URL and its port, and ask "
                "the server's operator",
                said);
        case CURLE_ABORTED_BY_CALLBACK:
            return "the process is stopping";
        default:  // Of libcurl's hundred codes only those have a cause that people can name.
            return fmt::format("{}; check the URL, and ask the server's operator", said);
    }
}

static void blot(std::string& text, std::string_view secret) {
    for (auto at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + secret.size()))
        text.replace(at, secret.size(), secret.size(), '*');
}

// A server that says again what it was sent must not bring a secret into a reason, a log or a
// ledger. Shorter ones than anybody uses would blot out words.
static void blot_secrets(const HttpRequest& request, HttpResponse& response) {
    constexpr std::size_t secret_bytes_min = 8;
    for (const auto& [name, value] : request.headers) {
        if (texts::lower_case(name) != "authorization") continue;
        const std::string_view secret = std::string_view(value).substr(value.find(' ') + 1);
        if (secret.size() < secret_bytes_min) continue;
        blot(response.body, secret);
        for (auto& [header, said] : response.headers) blot(said, secret);
    }
}

void HttpClient::finish(void* handle, int code) {
    CURL* easy = static_cast<CURL*>(handle);
    const auto found = running_.find(easy);
    invariant(found != running_.end(), "a request ends once");
    auto exchange = std::move(found->second);
    running_.erase(found);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const std::size_t came = received(easy);
    void* rule = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &rule);
    curl_multi_remove_handle(static_cast<CURLM*>(multi_), easy);
    curl_easy_cleanup(easy);
    delete static_cast<SocketRule*>(rule);
    Exchange& here = *exchange;
    here.response.answered_at = system_now();
    here.response.status = static_cast<int>(status);
    blot_secrets(here.request, here.response);
    if (code == CURLE_OK) return here.done(std::move(here.response));
    const auto failure = static_cast<CURLcode>(code);
    HttpError error{HttpError::Kind::unknown_outcome,
                    explained(failure, *here.error ? here.error : curl_easy_strerror(failure),
                              here.sent_any, here.request.timeout),
                    here.response.written_at, std::max(came, here.came_out)};
    if (here.refused_address) error.text = "the address is private; it is not reached from here";
    if (!here.off_limits.empty()) error.text = here.off_limits;
    if (here.broke_off) error.text = "the connection broke before an answer came";
    if (!here.sent_any) error.kind = HttpError::Kind::not_sent;
    if (!here.veto.empty()) {
        error.kind = HttpError::Kind::vetoed;
        error.text = here.veto;
    }
    if (here.too_large) {
        error.kind = HttpError::Kind::refused_by_limit;
        error.text =
            fmt::format("the answer is larger than {} bytes", here.request.response_bytes_max);
    }
    here.done(std::unexpected(std::move(error)));
}

void HttpClient::run() {
    auto* multi = static_cast<CURLM*>(multi_);
    while (true) {
        std::vector<std::move_only_function<void()>> tasks;
        auto until = std::chrono::steady_clock::time_point::max();
        {
            const std::lock_guard guard(mutex_);
            if (stopping_) break;
            tasks.swap(posted_);
            const auto now = std::chrono::steady_clock::now();
            while (!timers_.empty() && timers_.begin()->first <= now) {
                tasks.push_back(std::move(timers_.begin()->second));
                timers_.erase(timers_.begin());
            }
            if (!timers_.empty()) until = timers_.begin()->first;
        }
        // What they leave to do ends the wait at once.
        for (auto& task : tasks) task();
        events_.wait(until);
        int left = 0;
        while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
            if (message->msg == CURLMSG_DONE)
                finish(message->easy_handle, static_cast<int>(message->data.result));
        }
    }
    // What was handed over and never begun is answered too: as not sent.
    std::vector<std::move_only_function<void()>> tasks;
    {
        const std::lock_guard guard(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
    while (!unresolved_.empty()) {
        const Unresolved last = std::move(unresolved_.extract(unresolved_.begin()).mapped());
        lookups_.give_up(last.lookup);
        last.exchange->done(
            std::unexpected(HttpError{HttpError::Kind::not_sent, "the process is stopping", {}}));
    }
    while (!running_.empty()) finish(running_.begin()->first, CURLE_ABORTED_BY_CALLBACK);
}

void HttpClient::stop() {
    {
        const std::lock_guard guard(mutex_);
        if (stopping_) return;
        stopping_ = true;
    }
    events_.wake();
    if (thread_.joinable()) thread_.join();
}

namespace {

struct SendAwaiter {
    HttpClient& client;
    HttpRequest request;
    std::optional<HttpResult> result;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        client.send(std::move(request), [this, waiting](HttpResult answer) {
            result.emplace(std::move(answer));
            waiting.resume();
        });
    }
    HttpResult await_resume() { return std::move(*result); }
};

struct SleepAwaiter {
    HttpClient& client;
    std::chrono::steady_clock::time_point when;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        client.at(when, [waiting] { waiting.resume(); });
    }
    void await_resume() const noexcept {}
};

}  // namespace

Task<HttpResult> HttpClient::send(HttpRequest request) {
    SendAwaiter awaiter{*this, std::move(request), std::nullopt};
    co_return co_await awaiter;
}

Task<void> HttpClient::sleep_until(std::chrono::steady_clock::time_point when) {
    SleepAwaiter awaiter{*this, when};
    co_await awaiter;
}

}  // namespace tocsin::runtime
