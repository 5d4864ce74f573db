#include "gateway/catalog.hpp"

#include "google/rpc/error_details.pb.h"
#include "tocsin/approval/v1/approval_service.pb.h"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "tocsin/ledger/v1/ledger_service.pb.h"
#include "tocsin/measurement/v1/measurement_service.pb.h"
#include "tocsin/publishing/v1/publishing_service.pb.h"
#include "tocsin/trigger/v1/trigger_service.pb.h"

#include <algorithm>
#include <iterator>

namespace tocsin::gateway {

// Going through a message of the file keeps the linker from dropping the file.
template <class Message>
static const google::protobuf::ServiceDescriptor* service_beside(const char* name) {
    return Message::descriptor()->file()->FindServiceByName(name);
}

const std::vector<CatalogEntry>& catalog() {
    static const std::vector<CatalogEntry> entries{
        {"drafting", service_beside<drafting::v1::GetMessageRequest>("DraftingService")},
        {"approval", service_beside<approval::v1::GetReviewRequest>("ApprovalService")},
        {"publishing", service_beside<publishing::v1::GetReleaseRequest>("PublishingService")},
        {"measurement", service_beside<measurement::v1::GetScorecardRequest>("MeasurementService")},
        {"trigger", service_beside<trigger::v1::ListRulesRequest>("TriggerService")},
        {"", service_beside<ledger::v1::GetStatusRequest>("LedgerService")},
    };
    return entries;
}

const CatalogEntry* find_service(std::string_view full_name) {
    for (const CatalogEntry& entry : catalog())
        if (entry.service->full_name() == full_name) return &entry;
    return nullptr;
}

// Publishing reads these by read_public; it would refuse the others itself, so that a method
// missing here is closed, not open.
static constexpr std::string_view public_methods[] = {
    "tocsin.publishing.v1.PublishingService.GetFeed",
    "tocsin.publishing.v1.PublishingService.GetAlert",
};

// What holds a text in all languages with its areas, or everybody's name.
static constexpr std::string_view large_methods[] = {
    "tocsin.approval.v1.ApprovalService.ImportRoster",
    "tocsin.drafting.v1.DraftingService.CreateMessage",
    "tocsin.drafting.v1.DraftingService.PreviewMessage",
    "tocsin.drafting.v1.DraftingService.PutTemplate",
    "tocsin.drafting.v1.DraftingService.ReviseMessage",
};

bool is_public(const google::protobuf::MethodDescriptor& method) {
    return std::ranges::find(public_methods, method.full_name()) != std::end(public_methods);
}

std::size_t body_bytes_max(const google::protobuf::MethodDescriptor& method) {
    constexpr std::size_t of_strangers = std::size_t{8} << 10;
    constexpr std::size_t most = std::size_t{128} << 10;
    constexpr std::size_t large = std::size_t{4} << 20;
    if (is_public(method)) return of_strangers;
    const bool is_large =
        std::ranges::find(large_methods, method.full_name()) != std::end(large_methods);
    return is_large ? large : most;
}

std::unique_ptr<google::protobuf::Message> new_message(const google::protobuf::Descriptor* type) {
    auto* factory = google::protobuf::MessageFactory::generated_factory();
    return std::unique_ptr<google::protobuf::Message>(factory->GetPrototype(type)->New());
}

}  // namespace tocsin::gateway
