#include "content/publishers.hpp"

namespace tocsin::content {

const Publisher* find_publisher(const Content& content, std::string_view agency_id) {
    for (const Publisher& publisher : content.publishers())
        if (publisher.agency_id() == agency_id) return &publisher;
    return nullptr;
}

Target find_target(const Content& content, std::string_view channel_id) {
    for (const Publisher& publisher : content.publishers())
        for (const Destination& destination : publisher.destinations())
            if (destination.channel_id() == channel_id) return {&publisher, &destination};
    return {};
}

bool is_wanted(const Draft& draft, const std::string& channel_id) {
    return draft.channels().empty() || texts::contains(draft.channels(), channel_id);
}

}  // namespace tocsin::content
