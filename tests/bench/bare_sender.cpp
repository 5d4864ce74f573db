#include "bench/bare_sender.hpp"

#include "runtime/host/clock.hpp"

#include <time.h>

#include <stdexcept>
#include <string_view>

namespace tocsin::bench {

static std::size_t drop(char*, std::size_t, std::size_t size, void*) { return size; }

// What libcurl writes by itself.
static bool is_own(std::string_view header) {
    for (const std::string_view name :
         {"Host:", "Accept:", "User-Agent:", "Content-Length:", "Accept-Encoding:"})
        if (header.starts_with(name)) return true;
    return false;
}

static curl_slist* headers_of(std::string_view head) {
    curl_slist* headers = curl_slist_append(nullptr, "Expect:");
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
        const std::string line(head.substr(0, head.find("\r\n")));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        if (!is_own(line)) headers = curl_slist_append(headers, line.c_str());
    }
    return headers;
}

BareSender::BareSender(const std::vector<std::string>& urls, const std::string& request)
    : multi_(curl_multi_init()) {
    const std::size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) throw std::runtime_error("there is no request to repeat");
    headers_ = headers_of(std::string_view(request).substr(0, end));
    body_ = request.substr(end + 4);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(urls.size()));
    for (const std::string& url : urls) {
        CURL* easy = requests_.emplace_back(curl_easy_init());
        curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 60'000L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    perform_all();  // and the connections are open
    for (CURL* easy : requests_) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body_.data());
    }
}

BareSender::~BareSender() {
    for (CURL* easy : requests_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
}

static double cpu_seconds() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

BareSender::Sent BareSender::send() {
    Sent sent{.at = runtime::system_now()};
    const double before = cpu_seconds();
    perform_all();
    sent.cpu_seconds = cpu_seconds() - before;
    return sent;
}

void BareSender::perform_all() {
    for (CURL* easy : requests_) curl_multi_add_handle(multi_, easy);
    std::size_t answered = 0;
    while (answered < requests_.size()) {
        int active = 0, left = 0;
        curl_multi_perform(multi_, &active);
        while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode code = message->data.result;
            curl_multi_remove_handle(multi_, message->easy_handle);
            if (code != CURLE_OK)
                throw std::runtime_error(std::string("the bare sender: ") +
                                         curl_easy_strerror(code));
            ++answered;
        }
        if (answered < requests_.size()) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
}

}  // namespace tocsin::bench
