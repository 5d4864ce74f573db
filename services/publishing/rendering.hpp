// From a release to the bytes that its deliveries send. Internal to the decider.
#pragma once

#include "publishing/release.hpp"

#include <expected>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

std::string permalink(const Release& release, std::string_view identifier);
std::string delivery_key(const Release& release, const v1::Delivery& delivery);

// The values that the message of one agency goes out with. `showing`: the agencies on whose feed it
// is; its own is linked to, or else another one's, or else the message's own page, and the alerts
// of the others are named.
content::v1::Fixed fix(const Release& release, const std::string& agency, Time fire_at,
                       const std::set<std::string>& showing);

// The error is a sentence for a person. `text_max` 0: the kind's default.
std::expected<content::v1::Rendition, std::string> render(const Release& release,
                                                          const v1::Delivery& delivery,
                                                          int64_t text_max,
                                                          const content::v1::Fixed& fixed);
// Why the delivery could not be rendered if it were armed now; empty when it could. Costs nothing
// where another delivery that would send the same was tried before.
std::string trial(const Release& release, const Delivery& delivery, int64_t text_max, Time now);

// Collects deliveries for `Event`, a ReleaseArmed, StragglersArmed or RetractionArmed, and renders
// what they send once for all that send the same.
template <class Event>
class Arming {
public:
    explicit Arming(const Release& release) : release_(release) {}

    // `group`: deliveries of one group have their fixed values, `make_fixed()`, in common. The
    // delivery is not added where it cannot be rendered.
    template <class MakeFixed>
    std::expected<void, std::string> add(v1::Delivery delivery, int64_t text_max,
                                         const std::string& group, MakeFixed&& make_fixed) {
        auto known = groups_.find(group);
        if (known == groups_.end()) {
            known = groups_.emplace(group, event_.fixed_size()).first;
            *event_.add_fixed() = make_fixed();
        }
        const auto rendition = rendition_for(delivery, text_max, known->second);
        if (!rendition) return std::unexpected(rendition.error());
        delivery.set_idempotency_key(delivery_key(release_, delivery));
        delivery.clear_reason();
        delivery.clear_state();
        event_.add_rendition_of(*rendition);
        *event_.add_deliveries() = std::move(delivery);
        return {};
    }

    // One that cannot be rendered, and is not sent.
    void add_unrendered(v1::Delivery delivery) {
        event_.add_rendition_of(-1);
        *event_.add_deliveries() = std::move(delivery);
    }

    const Event& event() const { return event_; }
    // The event, with as many of the bytes as fit beside `used` of the same decision; `left()` of
    // them follow.
    Event take(std::size_t used = 0);
    int left() const { return left_; }

private:
    std::expected<int, std::string> rendition_for(const v1::Delivery& delivery, int64_t text_max,
                                                  int fixed);

    const Release& release_;
    Event event_;
    std::map<std::string, int> groups_;
    std::map<std::string, std::expected<int, std::string>> known_;
    std::vector<std::string> bodies_;  // by rendition
    int left_ = 0;
};

}  // namespace tocsin::publishing
