#include "gateway/unsent.hpp"

#include <tuple>
#include <utility>

namespace tocsin::gateway {

void Unsent::add(Sender sender, Response response) {
    if (!response.body) return;
    if (++senders_[response.body.get()] == 1) bytes_ += response.body->size();
    responses_[sender] = std::move(response);
}

void Unsent::remove(Sender sender) {
    const auto found = responses_.find(sender);
    if (found == responses_.end()) return;
    const Body body = std::move(found->second.body);
    responses_.erase(found);
    const auto senders = senders_.find(body.get());
    if (--senders->second > 0) return;
    bytes_ -= body->size();
    senders_.erase(senders);
}

std::size_t Unsent::share(const Body& body) const { return body->size() / senders_.at(body.get()); }

std::map<std::string, std::size_t> Unsent::by_address() const {
    std::map<std::string, std::size_t> taken;
    for (const auto& [sender, response] : responses_)
        taken[response.address] += share(response.body);
    return taken;
}

Unsent::Sender Unsent::to_give_up(Sender newest, Time now, std::chrono::milliseconds grace) const {
    const auto taken = by_address();
    const auto rank = [&](const Response& response) {
        return std::tuple(now - response.since >= grace, taken.at(response.address),
                          now - response.since);
    };
    const std::pair<const Sender, Response>* first = nullptr;
    for (const auto& entry : responses_)
        if (entry.first != newest && (!first || rank(entry.second) > rank(first->second)))
            first = &entry;
    return first ? first->first : nullptr;
}

}  // namespace tocsin::gateway
