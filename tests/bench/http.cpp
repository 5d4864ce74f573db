#include "bench/http.hpp"

#include <curl/curl.h>

#include <stdexcept>

namespace tocsin::bench {

static std::size_t keep(char* bytes, std::size_t, std::size_t size, void* body) {
    static_cast<std::string*>(body)->append(bytes, size);
    return size;
}

Http::Http() : curl_(curl_easy_init(), curl_easy_cleanup) {
    curl_easy_setopt(curl_.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT_MS, 10'000L);
    curl_easy_setopt(curl_.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl_.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEDATA, &body_);
}

std::string Http::get(const std::string& url) {
    curl_easy_setopt(curl_.get(), CURLOPT_HTTPGET, 1L);
    return perform(url);
}

std::string Http::post(const std::string& url, const std::string& json,
                       const std::string& authorization) {
    curl_slist* lines = curl_slist_append(nullptr, "Content-Type: application/json");
    if (!authorization.empty())
        lines = curl_slist_append(lines, ("Authorization: " + authorization).c_str());
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(lines, curl_slist_free_all);
    curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(json.size()));
    curl_easy_setopt(curl_.get(), CURLOPT_COPYPOSTFIELDS, json.c_str());
    std::string answer = perform(url);
    curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, nullptr);
    return answer;
}

std::string Http::perform(const std::string& url) {
    body_.clear();
    curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
    const CURLcode code = curl_easy_perform(curl_.get());
    if (code != CURLE_OK) throw std::runtime_error(url + ": " + curl_easy_strerror(code));
    return std::move(body_);
}

}  // namespace tocsin::bench
