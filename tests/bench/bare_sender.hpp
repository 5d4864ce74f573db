// The floor of what sends webhooks: libcurl's multi interface with the bytes in memory and its
// connections open, and nothing above it.
#pragma once

#include "runtime/base/time.hpp"

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

namespace tocsin::bench {

class BareSender {
public:
    // Will post what `request`, headers and body, says, to each of `urls`.
    BareSender(const std::vector<std::string>& urls, const std::string& request);
    ~BareSender();
    BareSender(const BareSender&) = delete;

    struct Sent {
        runtime::Time at;        // when it began
        double cpu_seconds = 0;  // of the thread, until all are answered
    };
    // Posts to all at once, and returns when each is answered; throws where one is not.
    Sent send();

private:
    void perform_all();

    std::string body_;
    curl_slist* headers_ = nullptr;
    CURLM* multi_ = nullptr;
    std::vector<CURL*> requests_;
};

}  // namespace tocsin::bench
