#include "runtime/record.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tocsin::runtime {

// Field 15, length-delimited, 32 bytes.
static constexpr std::string_view mac_prefix = "\x7a\x20";
static constexpr std::size_t mac_bytes = 32;

std::string seal(std::string body, const Mac& mac) {
    const std::string signature = mac.sign(body);
    body += mac_prefix;
    body += signature;
    return body;
}

std::optional<std::string_view> unseal(std::string_view record, const Mac& mac) {
    if (record.size() < mac_prefix.size() + mac_bytes) return std::nullopt;
    const std::string_view body = record.substr(0, record.size() - mac_bytes - mac_prefix.size());
    if (record.substr(body.size(), mac_prefix.size()) != mac_prefix) return std::nullopt;
    if (!mac.verify(body, record.substr(record.size() - mac_bytes))) return std::nullopt;
    return body;
}

std::string genesis_digest(std::string_view topic, int partition) {
    std::string seed(topic);
    seed += '\0';
    seed += std::to_string(partition);
    return sha256(seed);
}

std::string request_key(std::string_view actor, std::string_view request_id) {
    std::string key;
    key.reserve(actor.size() + request_id.size() + 1);
    key.append(actor).push_back('\0');
    key.append(request_id);
    return key;
}

std::string body_digest(std::string_view body, Time expires_at) {
    std::string text = std::to_string(expires_at.time_since_epoch().count());
    text += '\0';
    text += body;
    return sha256(text);
}

std::string command_bytes(const Submission& submission, const Mac& mac) {
    ledger::v1::CommandRecord record;
    record.set_realm(submission.asking.realm);
    record.set_actor(submission.asking.actor);
    record.set_agency(submission.asking.agency);
    for (const std::string& role : submission.asking.roles) record.add_roles(role);
    record.set_request_id(submission.asking.request_id);
    *record.mutable_expires_at() = to_proto(submission.expires_at);
    *record.mutable_sent_at() = to_proto(submission.sent_at);
    record.set_traceparent(submission.traceparent);
    record.set_body(submission.body);
    return seal(record.SerializeAsString(), mac);
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
