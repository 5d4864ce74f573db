// Bytes under the digest that people approved, or that was recorded when they were armed. Hashed
// and parsed at most once however many deliveries share them. Immutable; any thread.
#pragma once

#include "content/content.hpp"
#include "runtime/base/shared_bytes.hpp"

#include <expected>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::publishing {

class Sealed {
public:
    Sealed(std::string_view bytes, std::string digest)
        : bytes_(bytes), digest_(std::move(digest)) {}
    Sealed(const Sealed&) = delete;
    Sealed& operator=(const Sealed&) = delete;

    const std::string& bytes() const { return *bytes_; }
    const std::string& digest() const { return digest_; }
    // Whether the bytes are those of the digest.
    bool intact() const;

private:
    runtime::SharedBytes bytes_;
    std::string digest_;
    mutable std::once_flag hashed_;
    mutable bool intact_ = false;
};

// What was approved; shared by the deliveries of a release.
class Approved : public Sealed {
public:
    using Sealed::Sealed;

    // The error is a sentence for a person.
    const std::expected<content::Content, std::string>& parsed() const;
    // The result of check() for these bytes, called once per key: it returns why they must not be
    // used, or nothing, and always the same for one key.
    template <class Check>
    std::string once(const std::string& key, Check&& check) const {
        const std::lock_guard lock(mutex_);
        const auto known = said_.find(key);
        if (known != said_.end()) return known->second;
        return said_.emplace(key, check()).first->second;
    }

private:
    mutable std::once_flag read_;
    mutable std::optional<std::expected<content::Content, std::string>> parsed_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, std::string> said_;
};

}  // namespace tocsin::publishing
