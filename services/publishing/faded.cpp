#include "publishing/faded.hpp"

namespace tocsin::publishing {

Faded::Faded(const Release& release) {
    parties_ = runtime::KeptParties(release.parties());
    v1::Release whole = release.whole();
    for (v1::Delivery& delivery : *whole.mutable_deliveries()) delivery.clear_channel();
    release_ = runtime::Packed(whole);
    channels_.reserve(release.deliveries.size());
    for (const Delivery& delivery : release.deliveries) channels_.push_back(delivery.channel);
}

v1::Release Faded::whole() const {
    v1::Release whole = release_.get();
    for (int at = 0; at < whole.deliveries_size(); ++at)
        if (const auto& channel = channels_[static_cast<std::size_t>(at)])
            *whole.mutable_deliveries(at)->mutable_channel() = *channel;
    return whole;
}

}  // namespace tocsin::publishing
