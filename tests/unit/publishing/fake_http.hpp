// A transport without a network: it answers as the test says and its time passes at once.
#pragma once

#include "content/channel.hpp"
#include "publishing/wire.hpp"
#include "support/credential_file.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

struct FakeHttp final : runtime::HttpTransport {
    using Answerer = std::function<runtime::HttpResult(const runtime::HttpRequest&)>;

    Answerer answer;
    std::vector<runtime::HttpRequest> sent;
    Time now{std::chrono::seconds{1'750'000'002}};
    std::chrono::steady_clock::time_point steady{};

    Task<runtime::HttpResult> send(runtime::HttpRequest request) override {
        sent.push_back(request);
        runtime::HttpResult result = answer(request);
        if (result) {
            result->written_at = now;
            result->answered_at = now;
        }
        co_return result;
    }
    Task<void> sleep_until(std::chrono::steady_clock::time_point when) override {
        if (when > steady) {
            now += std::chrono::duration_cast<Duration>(when - steady);
            steady = when;
        }
        co_return;
    }

    int count(const std::string& method) const {
        return static_cast<int>(std::ranges::count(sent, method, &runtime::HttpRequest::method));
    }
};

inline runtime::HttpResponse response(int status, std::string body = {},
                                      std::multimap<std::string, std::string> headers = {}) {
    runtime::HttpResponse result;
    result.status = status;
    result.body = std::move(body);
    result.headers = std::move(headers);
    return result;
}

inline runtime::HttpResult failure(runtime::HttpError::Kind kind) {
    return std::unexpected(runtime::HttpError{kind, "it broke", {}});
}

namespace detail {

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
}

}  // namespace detail

// Runs a coroutine that never really waits.
template <class T>
T run(Task<T> task) {
    std::optional<T> result;
    runtime::spawn(detail::keep(std::move(task), result));
    EXPECT_TRUE(result.has_value()) << "the coroutine did not end";
    return std::move(*result);
}

// The id of the channel of a kind in these tests: that of any new kind is the kind itself.
inline std::string channel_id(std::string_view kind) {
    if (kind == "webhook") return "hook";
    if (kind == "mastodon") return "toot";
    return std::string(kind);
}

// Credentials for a channel of each kind that needs one.
struct SampleCredentials : CredentialFile {
    explicit SampleCredentials(const std::string& world = "live") : CredentialFile(world) {
        for (const content::ChannelKind& one : content::all_kinds()) put_of(one);
    }

private:
    void put_of(const content::ChannelKind& one) {
        const auto store = [&](const std::string& secret) {
            const std::string id = channel_id(one.kind);
            put(id, credential_text(std::string(one.kind), id, secret));
        };
        switch (one.traits.credential.value) {
            case content::CredentialForm::signing_keys:
                return store(webhook_secret);
            case content::CredentialForm::token:
                return store(mastodon_secret);
            case content::CredentialForm::none:
            case content::CredentialForm::certificate:  // Tests of signing store their own.
                return;
        }
    }
};

}  // namespace tocsin::publishing
