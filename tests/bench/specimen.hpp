// One bilingual message that went out through the built services, and everything that their ledgers
// hold because of it.
#pragma once

#include "bench/stage.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::bench {

struct Specimen {
    // What one service holds in the partition of the realm.
    struct Part {
        std::string service;
        std::vector<std::string> records;  // of its ledger, from the first
        std::int64_t commands = 0;         // how many its commands topic holds
        // How many of each there were before the message.
        std::size_t records_before = 0;
        std::int64_t commands_before = 0;
    };
    std::vector<Part> parts;
    std::string message_id, release_id;
    std::string content;            // its approved bytes
    std::vector<std::string> keys;  // of its deliveries
    // Digits in its texts, for copies to differ in.
    static constexpr const char* number = "77777777";
};

// Writes, submits and approves one message in a Tocsin that was set up, waits until it is public
// and nothing is decided any more, ends that Tocsin and reads its ledgers.
Specimen publish_specimen(Stage& stage, Running& all);

}  // namespace tocsin::bench
