#include "runtime/ledger/public_event.hpp"

#include "runtime/base/digest.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/time_util.h>

#include <charconv>
#include <memory>

namespace tocsin::runtime {

// Which event it is, by the descriptor of the service's `Event`: the runtime knows no service.
static std::expected<std::string, std::string> event_name(const std::string& service,
                                                          const std::string& bytes) {
    using google::protobuf::DescriptorPool;
    using google::protobuf::MessageFactory;
    const std::string type = fmt::format("tocsin.{}.v1.Event", service);
    const auto* descriptor = DescriptorPool::generated_pool()->FindMessageTypeByName(type);
    if (descriptor == nullptr) return std::unexpected(type + " is not part of this program");
    const auto* prototype = MessageFactory::generated_factory()->GetPrototype(descriptor);
    const std::unique_ptr<google::protobuf::Message> event(prototype->New());
    if (!event->ParseFromString(bytes)) return std::unexpected(type + " does not parse");
    const auto* body = descriptor->FindOneofByName("body");
    const auto* field =
        body != nullptr ? event->GetReflection()->GetOneofFieldDescriptor(*event, body) : nullptr;
    if (field == nullptr) return std::unexpected(type + " is of a newer version");
    return field->name();
}

static constexpr std::string_view exported_header = "tocsin-exported";

std::string PublicSource::uri() const { return fmt::format("/tocsin/{}/{}", world, service); }

static PublicHeaders headers_of(const PublicSource& source, const ledger::v1::Decision& decision,
                                const std::string& id, const std::string& type) {
    PublicHeaders headers{
        {"content-type", "application/protobuf"},
        {"ce_specversion", "1.0"},
        {"ce_id", id},
        {"ce_source", source.uri()},
        {"ce_type", fmt::format("tocsin.{}.v1.{}", source.service, type)},
        {"ce_time", google::protobuf::util::TimeUtil::ToString(decision.decided_at())},
        {"ce_partitionkey", decision.realm()}};
    // An attribute that is there must not be empty.
    if (!decision.accepted().subject().empty())
        headers.emplace_back("ce_subject", decision.accepted().subject());
    if (!decision.cause().traceparent().empty())
        headers.emplace_back("traceparent", decision.cause().traceparent());
    return headers;
}

std::expected<std::vector<PublicRecord>, std::string> public_records(const PublicSource& source,
                                                                     const PublicDecision& counted,
                                                                     const Exported& exported) {
    const ledger::v1::Decision& decision = counted.decision;
    std::vector<PublicRecord> records;
    for (const std::string& bytes : decision.accepted().events()) {
        const auto type = event_name(source.service, bytes);
        if (!type) return std::unexpected(type.error());
        ledger::v1::PublicEvent event;
        event.set_service(source.service);
        event.set_realm(decision.realm());
        event.set_type(*type);
        event.set_event(bytes);
        event.mutable_position()->set_service(source.service);
        event.mutable_position()->set_partition(source.partition);
        event.mutable_position()->set_offset(counted.offset);
        *event.mutable_decided_at() = decision.decided_at();
        const std::string id = fmt::format("{}-{}", hex(counted.digest), records.size());
        PublicRecord record{id, decision.realm(), event.SerializeAsString(),
                            headers_of(source, decision, id, *type)};
        if (exported.offset >= 0)
            record.headers.emplace_back(
                exported_header, fmt::format("{}/{}", exported.offset, hex(exported.digest)));
        records.push_back(std::move(record));
    }
    return records;
}

static std::optional<Exported> parse_exported(std::string_view text) {
    Exported exported;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), exported.offset);
    if (error != std::errc{} || end == text.data() + text.size() || *end != '/')
        return std::nullopt;
    const auto digest = unhex(text.substr(static_cast<std::size_t>(end - text.data()) + 1));
    if (!digest || digest->size() != 32 || exported.offset < 0) return std::nullopt;
    exported.digest = *digest;
    return exported;
}

std::optional<PublicTrace> trace_of(const PublicSource& source, const PublicHeaders& headers) {
    PublicTrace trace;
    bool ours = false;
    for (const auto& [name, value] : headers) {
        if (name == "ce_source") ours = value == source.uri();
        if (name == "ce_id") trace.id = value;
        if (name != exported_header) continue;
        const auto exported = parse_exported(value);
        if (!exported) return std::nullopt;  // Not written by us.
        trace.exported = *exported;
    }
    if (!ours) return std::nullopt;
    return trace;
}

}  // namespace tocsin::runtime
