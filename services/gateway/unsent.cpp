#include "gateway/unsent.hpp"

namespace tocsin::gateway {

void Unsent::add(const Body& body) {
    if (body && ++senders_[body.get()] == 1) bytes_ += body->size();
}

void Unsent::remove(const Body& body) {
    const auto found = senders_.find(body.get());
    if (found == senders_.end() || --found->second > 0) return;
    bytes_ -= body->size();
    senders_.erase(found);
}

std::size_t Unsent::share(const Body& body) const {
    const auto found = senders_.find(body.get());
    return found == senders_.end() ? 0 : body->size() / found->second;
}

}  // namespace tocsin::gateway
