// One HTTP client with a warm connection.
#pragma once

#include <memory>
#include <string>

typedef void CURL;

namespace tocsin::bench {

class Http {
public:
    Http();

    // Both return the body, and throw unless the answer is a success within 10 s.
    std::string get(const std::string& url);
    // `authorization` empty: without one.
    std::string post(const std::string& url, const std::string& json,
                     const std::string& authorization = {});

private:
    std::string perform(const std::string& url);

    std::unique_ptr<CURL, void (*)(CURL*)> curl_;
    std::string body_;
};

}  // namespace tocsin::bench
