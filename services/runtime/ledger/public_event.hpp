// What counted, for other tools: the records of `tocsin.events.v1`. Their form is described with
// ledger.v1.PublicEvent. Pure.
#pragma once

#include "tocsin/ledger/v1/ledger.pb.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::runtime {

// Kafka's record headers.
using PublicHeaders = std::vector<std::pair<std::string, std::string>>;

struct PublicRecord {
    std::string id;
    std::string key;
    std::string value;  // serialised PublicEvent
    PublicHeaders headers;
};

// Whose decisions they are.
struct PublicSource {
    std::string world;
    std::string service;
    int partition = 0;

    std::string uri() const;  // ce_source
};

// A decision that counted and where it lies.
struct PublicDecision {
    const ledger::v1::Decision& decision;
    std::string_view digest;
    std::int64_t offset = 0;
};

// Up to which decision everything is in the topic; -1: up to none.
struct Exported {
    std::int64_t offset = -1;
    std::string digest;
};

// One record for each event; none where nothing happened. The error says which event this version
// does not know.
std::expected<std::vector<PublicRecord>, std::string> public_records(const PublicSource& source,
                                                                     const PublicDecision& counted,
                                                                     const Exported& exported);

// What a record of the topic says about export; nothing when it is not of `source`.
struct PublicTrace {
    std::string id;
    Exported exported;
};
std::optional<PublicTrace> trace_of(const PublicSource& source, const PublicHeaders& headers);

}  // namespace tocsin::runtime
