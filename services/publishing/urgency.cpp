#include "publishing/urgency.hpp"

namespace tocsin::publishing {

bool is_urgent(const Approved* approved) {
    if (!approved || !approved->parsed()) return true;
    const content::Content& content = *approved->parsed();
    if (content.message_type() != content::v1::MESSAGE_TYPE_ALERT) return true;
    switch (content.draft().severity()) {
        case content::v1::SEVERITY_MODERATE:
        case content::v1::SEVERITY_MINOR:
        case content::v1::SEVERITY_UNKNOWN:
            return false;
        case content::v1::SEVERITY_EXTREME:
        case content::v1::SEVERITY_SEVERE:
        case content::v1::SEVERITY_UNSPECIFIED:
        case content::v1::Severity_INT_MIN_SENTINEL_DO_NOT_USE_:
        case content::v1::Severity_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return true;
}

}  // namespace tocsin::publishing
