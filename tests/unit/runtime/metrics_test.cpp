#include "runtime/host/metrics.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <vector>

namespace tocsin::runtime {
namespace {

std::string scrape(int port) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    std::string body;
    const auto write = +[](char* data, std::size_t, std::size_t size, void* into) -> std::size_t {
        static_cast<std::string*>(into)->append(data, size);
        return size;
    };
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/metrics";
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    return curl_easy_perform(curl.get()) == CURLE_OK ? body : "";
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameObject) {
    Metrics metrics("");
    auto& first = metrics.counter("tocsin_things_total", "Things", {{"kind", "a"}});
    EXPECT_EQ(&first, &metrics.counter("tocsin_things_total", "Things", {{"kind", "a"}}));
    EXPECT_NE(&first, &metrics.counter("tocsin_things_total", "Things", {{"kind", "b"}}));
    auto& gauge = metrics.gauge("tocsin_depth", "Depth");
    EXPECT_EQ(&gauge, &metrics.gauge("tocsin_depth", "Depth"));
    auto& histogram = metrics.histogram("tocsin_wait_seconds", "Wait", {}, {0.1, 1});
    EXPECT_EQ(&histogram, &metrics.histogram("tocsin_wait_seconds", "Wait", {}, {0.1, 1}));
    EXPECT_EQ(metrics.port(), 0);
}

TEST(Metrics, ServesItsOwnAndTheProcessFigures) {
    Metrics metrics("127.0.0.1:0");
    ASSERT_GT(metrics.port(), 0);
    metrics.counter("tocsin_things_total", "Things", {{"kind", "a"}}).Increment(3);
    const std::string text = scrape(metrics.port());
    for (const std::string_view line :
         {"tocsin_things_total{kind=\"a\"} 3", "tocsin_build_info{version=\"",
          "# TYPE process_cpu_seconds_total counter", "# HELP tocsin_things_total Things",
          "process_resident_memory_bytes ", "process_open_fds ", "process_threads ",
          "process_start_time_seconds "})
        EXPECT_NE(text.find(line), std::string::npos) << line;
}

using Connection = std::unique_ptr<CURL, void (*)(CURL*)>;

// Each has sent `begun` and says no more.
std::vector<Connection> connections(int number, int port, std::string_view begun) {
    std::vector<Connection> all;
    for (int i = 0; i < number; ++i) {
        CURL* curl = all.emplace_back(curl_easy_init(), curl_easy_cleanup).get();
        const std::string url = "http://127.0.0.1:" + std::to_string(port);
        curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
        EXPECT_EQ(curl_easy_perform(curl), CURLE_OK);
        std::size_t sent = 0;
        if (!begun.empty()) {
            EXPECT_EQ(curl_easy_send(curl, begun.data(), begun.size(), &sent), CURLE_OK);
        }
    }
    return all;
}

TEST(Metrics, AnswersBesideConnectionsThatSayNothing) {
    const Metrics metrics("127.0.0.1:0");
    const auto silent = connections(6, metrics.port(), "");
    EXPECT_NE(scrape(metrics.port()).find("tocsin_build_info"), std::string::npos);
}

TEST(Metrics, AnswersBesideManyRequestsThatAreNeverFinished) {
    const Metrics metrics("127.0.0.1:0");
    const auto begun = connections(100, metrics.port(), "GET /metrics HTTP/1.1\r\nHost: x\r\n");
    EXPECT_NE(scrape(metrics.port()).find("tocsin_build_info"), std::string::npos);
}

TEST(Metrics, ATakenPortIsRefusedByName) {
    const Metrics first("127.0.0.1:0");
    try {
        const Metrics second("127.0.0.1:" + std::to_string(first.port()));
        FAIL() << "listened twice";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("metrics-listen"), std::string::npos);
    }
}

}  // namespace
}  // namespace tocsin::runtime
