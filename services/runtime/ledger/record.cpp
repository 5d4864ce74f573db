#include "runtime/ledger/record.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <charconv>
#include <stdexcept>

namespace tocsin::runtime {

// Field 15, length-delimited: 8 bytes of key id, 32 of HMAC.
static constexpr std::string_view seal_prefix = "\x7a\x28";
static constexpr std::size_t mac_bytes = 32;
static constexpr std::size_t seal_bytes = seal_prefix.size() + WorldKeys::id_bytes + mac_bytes;

static std::string context_of(std::string_view topic, RecordKind kind) {
    constexpr std::size_t block = 64;
    std::string context;
    for (int shift = 24; shift >= 0; shift -= 8)
        context += static_cast<char>(topic.size() >> shift & 255);
    context += topic;
    context += static_cast<char>(kind);
    context.resize((context.size() + block - 1) / block * block, '\0');
    return context;
}

Seal::Seal(const WorldKeys& keys, std::string_view topic, RecordKind kind) {
    const std::string context = context_of(topic, kind);
    for (const WorldKeys::Key& key : keys.all())
        keys_.push_back({key.id, *unhex(key.id), Mac(key.bytes, context)});
}

std::string Seal::close(std::string body, std::string_view key_id) const {
    for (const Key& key : keys_) {
        if (key.id != key_id) continue;
        const std::string mac = key.mac.sign(body);
        body.reserve(body.size() + seal_bytes);
        return std::move(body.append(seal_prefix).append(key.id_bytes).append(mac));
    }
    throw std::invalid_argument(fmt::format("the world has no key {}", key_id));
}

static bool has_seal(std::string_view record) {
    return record.size() >= seal_bytes &&
           record.substr(record.size() - seal_bytes, seal_prefix.size()) == seal_prefix;
}

Seal::Opened Seal::examine(std::string_view record) const {
    if (!has_seal(record)) return {};
    const std::string_view body = record.substr(0, record.size() - seal_bytes);
    const std::string_view id =
        record.substr(body.size() + seal_prefix.size(), WorldKeys::id_bytes);
    for (const Key& key : keys_) {
        if (key.id_bytes != id) continue;
        if (!key.mac.verify(body, record.substr(record.size() - mac_bytes))) return {};
        return {Sealed::ours, body, key.id};
    }
    return {Sealed::unknown_key, {}, {}};
}

std::optional<std::string_view> Seal::open(std::string_view record) const {
    const Opened opened = examine(record);
    if (opened.sealed != Sealed::ours) return std::nullopt;
    return opened.body;
}

std::string Seal::named_key(std::string_view record) {
    if (!has_seal(record)) return {};
    return hex(record.substr(record.size() - mac_bytes - WorldKeys::id_bytes, WorldKeys::id_bytes));
}

std::string genesis_digest(std::string_view topic, int partition) {
    std::string seed(topic);
    seed += '\0';
    seed += std::to_string(partition);
    return sha256(seed);
}

std::string request_key(std::string_view realm, std::string_view actor,
                        std::string_view request_id) {
    std::string key;
    key.reserve(realm.size() + actor.size() + request_id.size() + 2);
    key.append(realm).push_back('\0');
    key.append(actor).push_back('\0');
    key.append(request_id);
    return key;
}

std::string body_digest(std::string_view agency, std::string_view body, Time expires_at) {
    std::string text(agency);
    text += '\0';
    text += std::to_string(expires_at.time_since_epoch().count());
    text += '\0';
    text += body;
    return sha256(text);
}

static ledger::v1::CommandRecord without_body(const Submission& submission) {
    ledger::v1::CommandRecord record;
    record.set_realm(submission.asking.realm);
    record.set_actor(submission.asking.actor);
    record.set_agency(submission.asking.agency);
    for (const std::string& role : submission.asking.roles) record.add_roles(role);
    record.set_request_id(submission.asking.request_id);
    *record.mutable_expires_at() = to_proto(submission.expires_at);
    *record.mutable_sent_at() = to_proto(submission.sent_at);
    record.set_traceparent(submission.traceparent);
    return record;
}

std::size_t command_size(const Submission& submission) {
    const std::size_t body = submission.body.size();
    const std::size_t tagged =
        body == 0 ? 0 : 1 + google::protobuf::io::CodedOutputStream::VarintSize64(body) + body;
    return without_body(submission).ByteSizeLong() + tagged + seal_bytes;
}

std::string command_bytes(const Submission& submission, const Seal& seal, std::string_view key_id) {
    ledger::v1::CommandRecord record = without_body(submission);
    record.set_body(submission.body);
    return seal.close(record.SerializeAsString(), key_id);
}

std::string Position::text() const { return fmt::format("{}/{}/{}", service, partition, offset); }

std::optional<Position> Position::parse(std::string_view text) {
    const std::size_t first = text.find('/');
    const std::size_t second = text.find('/', first + 1);
    if (first == std::string_view::npos || first == 0 || second == std::string_view::npos)
        return std::nullopt;
    Position position{std::string(text.substr(0, first)), 0, 0};
    const auto number = [](std::string_view digits, auto& into) {
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), into);
        return error == std::errc{} && end == digits.end() && into >= 0;
    };
    if (!number(text.substr(first + 1, second - first - 1), position.partition) ||
        !number(text.substr(second + 1), position.offset))
        return std::nullopt;
    return position;
}

}  // namespace tocsin::runtime
