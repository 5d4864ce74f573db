// A history of many messages: copies of one that really went out, each with ids, texts, times and
// digests of its own, in the ledgers of all services and consistent between them.
#pragma once

#include "bench/specimen.hpp"

#include <chrono>

namespace tocsin::bench {

// Writes `count` copies into the live world of a Kafka without topics, after what the specimen's
// ledgers held before it. Each is `spacing` older than the next; the last went out when the
// specimen did. The topic of events says that all of it was published.
void write_copies(const Stage& stage, const Specimen& specimen, std::int64_t count,
                  std::chrono::seconds spacing);

// Id of the copy with this number, from 1.
std::string copied_message_id(const Specimen& specimen, std::int64_t number);

}  // namespace tocsin::bench
