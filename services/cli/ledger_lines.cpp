#include "cli/ledger_lines.hpp"

#include "all_ledgers.hpp"
#include "runtime/base/digest.hpp"
#include "services.inc"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

namespace tocsin::cli {

namespace {

template <class Event>
std::string event_text(const std::string& bytes, bool json) {
    Event event;
    if (!event.ParseFromString(bytes)) return "unreadable";
    if (json) {
        std::string text;
        if (!google::protobuf::util::MessageToJsonString(event, &text).ok()) return "{}";
        return text;
    }
    const auto* body = Event::descriptor()->FindFieldByNumber(event.body_case());
    return body == nullptr ? "unknown" : body->name();
}

std::string event_text(const std::string& service, const std::string& bytes, bool json) {
#define TOCSIN_TEXT(name) \
    if (service == #name) return event_text<name::v1::Event>(bytes, json);
    TOCSIN_SERVICES(TOCSIN_TEXT)
#undef TOCSIN_TEXT
    return "of a service that this version does not know";
}

std::string_view kind_name(LedgerChain::Kind kind) {
    switch (kind) {
        case LedgerChain::Kind::counted:
            return "counted";
        case LedgerChain::Kind::empty_void:
            return "void";
        case LedgerChain::Kind::foreign:
            break;
    }
    return "foreign";
}

// Where inputs are read on, by topic.
Json places_of(const google::protobuf::RepeatedPtrField<ledger::v1::InputPosition>& inputs) {
    Json places = Json::object();
    for (const auto& input : inputs) places[input.topic()] = input.next_offset();
    return places;
}

// An outcome that is none of a request.
void add_upkeep(Json& line, const ledger::v1::Decision& decision) {
    switch (decision.outcome_case()) {
        case ledger::v1::Decision::kInputRestarted:
            line["inputRestarted"] = {{"inputs", places_of(decision.input_restarted().inputs())},
                                      {"reason", decision.input_restarted().reason()},
                                      {"keyId", decision.input_restarted().key_id()}};
            break;
        case ledger::v1::Decision::kInputsPassed:
            line["inputsPassed"] = places_of(decision.inputs_passed().inputs());
            break;
        case ledger::v1::Decision::kInputsRewound:
            line["inputsRewound"] = places_of(decision.inputs_rewound().inputs());
            break;
        case ledger::v1::Decision::kClockOverridden:
            line["clockOverridden"] = {{"reason", decision.clock_overridden().reason()}};
            break;
        case ledger::v1::Decision::kKeyChanged:
            line["keyChanged"] = {{"keyId", decision.key_changed().key_id()}};
            break;
        case ledger::v1::Decision::kAccepted:
        case ledger::v1::Decision::kRejected:
        case ledger::v1::Decision::OUTCOME_NOT_SET:
            break;
    }
}

std::string places_text(const google::protobuf::RepeatedPtrField<ledger::v1::InputPosition>& all) {
    std::string text;
    for (const auto& input : all)
        text += fmt::format(" {}={}", printable(input.topic()), input.next_offset());
    return text;
}

std::string upkeep_text(const ledger::v1::Decision& decision) {
    const auto because = [](const std::string& reason) {
        return reason.empty() ? "" : ": " + printable(reason);
    };
    switch (decision.outcome_case()) {
        case ledger::v1::Decision::kInputRestarted:
            return "input_restarted" + places_text(decision.input_restarted().inputs()) +
                   because(decision.input_restarted().reason());
        case ledger::v1::Decision::kInputsPassed:
            return "inputs_passed" + places_text(decision.inputs_passed().inputs());
        case ledger::v1::Decision::kInputsRewound:
            return "inputs_rewound" + places_text(decision.inputs_rewound().inputs());
        case ledger::v1::Decision::kClockOverridden:
            return "clock_overridden" + because(decision.clock_overridden().reason());
        case ledger::v1::Decision::kKeyChanged:
            return "key_changed " + printable(decision.key_changed().key_id());
        case ledger::v1::Decision::kAccepted:
        case ledger::v1::Decision::kRejected:
        case ledger::v1::Decision::OUTCOME_NOT_SET:
            break;
    }
    return {};
}

}  // namespace

Json json_of(const std::string& service, int partition, std::int64_t offset,
             const LedgerChain::Seen& seen) {
    Json line{{"position", fmt::format("{}/{}/{}", service, partition, offset)},
              {"kind", kind_name(seen.kind)},
              {"digest", runtime::hex(seen.digest)}};
    if (!seen.decision) return line;
    const auto& decision = *seen.decision;
    line["decidedAt"] = time_text(decision.decided_at());
    line["writer"] = decision.writer();
    line["keyId"] = seen.key_id;
    line["realm"] = decision.realm();
    line["actor"] = decision.cause().actor();
    line["requestId"] = decision.cause().request_id();
    line["traceparent"] = decision.cause().traceparent();
    if (decision.has_rejected())
        line["rejected"] = {{"code", decision.rejected().code()},
                            {"text", decision.rejected().text()}};
    add_upkeep(line, decision);
    for (const std::string& event : decision.accepted().events())
        line["events"].push_back(Json::parse(event_text(service, event, true), nullptr, false));
    return line;
}

std::string line_of(const std::string& service, int partition, std::int64_t offset,
                    const LedgerChain::Seen& seen) {
    std::string line = fmt::format("{}/{}/{}", service, partition, offset);
    if (!seen.decision) return line + "  foreign";
    const auto& decision = *seen.decision;
    std::string what = upkeep_text(decision);
    if (decision.has_rejected()) what = "rejected " + decision.rejected().code();
    for (const std::string& event : decision.accepted().events())
        what += (what.empty() ? "" : " ") + event_text(service, event, false);
    return fmt::format("{}  {}  {:7}  {}  {}  {}", line, time_text(decision.decided_at()),
                       kind_name(seen.kind), decision.writer(),
                       printable(decision.cause().actor().empty() ? decision.cause().topic()
                                                                  : decision.cause().actor()),
                       what.empty() ? "nothing_new" : what);
}

}  // namespace tocsin::cli
