#include "drafting/event.hpp"

#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tocsin::drafting {

v1::Event event_of(std::string message_id) {
    v1::Event event;
    event.set_message_id(std::move(message_id));
    return event;
}

v1::Event move_of(std::string message_id, v1::MessageState from, v1::MessageState to) {
    if (!may_move(from, to))
        throw std::logic_error(fmt::format("message `{}` cannot move from {} to {}", message_id,
                                           texts::enum_name(from), texts::enum_name(to)));
    return event_of(std::move(message_id));
}

Happened one(v1::Event event, std::string subject, std::int64_t version) {
    return {{std::move(event)}, std::move(subject), std::to_string(version)};
}

}  // namespace tocsin::drafting
