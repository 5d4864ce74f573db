// What differs between a specimen and its copies: ids, digits in its texts, times, and the digests
// that follow from these.
#pragma once

#include "bench/pattern.hpp"
#include "bench/specimen.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tocsin::bench {

// Adds the seconds of all times in a serialised event of `service`, and in the content that it may
// carry as bytes.
void collect_times(const std::string& service, const std::string& event,
                   std::set<std::int64_t>& seconds);

class Differences {
public:
    // `seconds`: of all times in the specimen's events.
    Differences(const Specimen& specimen, const std::set<std::int64_t>& seconds);

    // What the specimen's bytes hold of it.
    const Needles& needles() const { return needles_; }
    // What the bytes of a copy hold instead, in the same order.
    std::vector<std::string> copy(std::int64_t number, std::chrono::seconds age) const;

private:
    std::vector<std::string> values(std::optional<std::int64_t> number, std::chrono::seconds age,
                                    const std::string& digest) const;

    std::vector<std::string> numbered_;
    std::vector<std::int64_t> seconds_;
    std::string digest_;
    Needles needles_;
    std::optional<Pattern> content_;
};

}  // namespace tocsin::bench
