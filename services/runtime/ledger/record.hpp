// Records as they lie in the log: protobuf bytes that end with a seal over everything before it.
#pragma once

#include "runtime/base/digest.hpp"
#include "runtime/ledger/ledger.hpp"
#include "runtime/ledger/world_key.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// What a record is; part of what is signed. A reading is a CommandRecord in a stream.
enum class RecordKind : char { command = 1, decision = 2, reading = 3 };

// What a seal says of a record. `unknown_key`: it names a key that this process does not have, so
// it may be ours or not. `foreign`: no seal, or not the one that its key makes.
enum class Sealed { ours, unknown_key, foreign };

// Seal closes and opens the records of one kind in one topic. What is sealed for another topic,
// hence for another world or service, or as another kind, is foreign: HMAC-SHA-256 is computed over
//
//     length of the topic's name, 4 bytes big-endian; the name; the kind, 1 byte; zeros up to a
//     multiple of 64 bytes; the record's bytes
//
// and appended, after the key's id, as field 15, `mac`. So a record costs one HMAC whatever the
// number of keys. Immutable; share it between threads.
class Seal {
public:
    Seal(const WorldKeys& keys, std::string_view topic, RecordKind kind);

    // Appends the seal to a serialised CommandRecord or Decision. Throws std::invalid_argument for
    // a key that is not among the world's.
    std::string close(std::string body, std::string_view key_id) const;

    struct Opened {
        Sealed sealed = Sealed::foreign;
        std::string_view body;    // the bytes before the seal; only of what is ours
        std::string_view key_id;  // of the key that signed it; only of what is ours
    };
    // The views live as long as the record and this.
    Opened examine(std::string_view record) const;

    // The bytes before the seal; nothing when the record is not ours, for all that we know.
    std::optional<std::string_view> open(std::string_view record) const;

    // Id of the key that a record says it is signed with, true or not; empty where it says none.
    static std::string named_key(std::string_view record);

private:
    struct Key {
        std::string id;
        std::string id_bytes;  // as they lie in a record
        Mac mac;
    };
    std::vector<Key> keys_;
};

// `previous_digest` of a partition's first decision. The topic name carries the world.
std::string genesis_digest(std::string_view topic, int partition);

// Under which a request is remembered: the same id of two actors, or in two realms, is two
// requests.
std::string request_key(std::string_view realm, std::string_view actor,
                        std::string_view request_id);

// What a repeat must have in common with the first: the agency that the actor speaks for, the body
// and until when it may be decided.
std::string body_digest(std::string_view agency, std::string_view body, Time expires_at);

// Size of what command_bytes() makes of it.
std::size_t command_size(const Submission& submission);
// A CommandRecord, sealed with the key of that id.
std::string command_bytes(const Submission& submission, const Seal& seal, std::string_view key_id);

}  // namespace tocsin::runtime
