// Kafka, as far as the protocol can tell: topics of one partition, kept in memory.
#pragma once

#include "runtime/time.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace tocsin::sim {

using runtime::Time;

struct Topic {
    struct Record {
        std::string value;
        Time stored_at;
    };
    std::string name;
    std::int64_t low = 0;
    std::vector<Record> records;  // the first one has offset `low`

    std::int64_t end() const { return low + static_cast<std::int64_t>(records.size()); }
    bool holds(std::int64_t offset) const { return offset >= low && offset < end(); }
    const Record& at(std::int64_t offset) const {
        return records.at(static_cast<std::size_t>(offset - low));
    }
    void drop_before(std::int64_t offset) {
        records.erase(records.begin(), records.begin() + (offset - low));
        low = offset;
    }
};

// What a process gave to its producer and the log may or may not get.
struct Parcel {
    Topic* to = nullptr;
    std::string value;
    std::string digest;       // of an own ledger record, whose fate is reported
    std::int64_t leaves = 0;  // not before this tick
};

// A promise was broken.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace tocsin::sim
