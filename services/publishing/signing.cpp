#include "publishing/signing.hpp"

#include "content/cap.hpp"
#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/settling.hpp"

#include <utility>

namespace tocsin::publishing {

using runtime::Because;
using runtime::reject;

static void add_signature(Turn& turn, const Delivery& delivery, const std::string& signature) {
    const auto armed = turn.release.rendered(delivery);
    v1::Event event = event_of(turn.release.id(), {delivery.id()});
    v1::RenditionSigned& made = *event.mutable_rendition_signed();
    made.set_signature(signature);
    made.set_digest(content::digest(content::signed_cap(armed->bytes(), signature)));
    turn.add(std::move(event));
}

Verdict record_signature(const Releases& releases, const runtime::Asking& asking,
                         const v1::RecordSignature& made, Time now) {
    if (auto no = require_executor(asking)) return std::unexpected(*no);
    const auto release = find_release(releases, asking, made.release_id());
    if (!release) return std::unexpected(release.error());
    const auto found = find_delivery(**release, made.delivery_id());
    if (!found) return std::unexpected(found.error());
    const Delivery& delivery = **found;
    Turn turn{**release, now, {}};
    // What comes late, or a second time, changes nothing.
    if (!(*release)->to_sign(delivery)) return std::move(turn).done();
    if (made.rendition_digest() != delivery.armed->digest)
        return reject(Because::failed_precondition, "signed_otherwise",
                      "what was signed is not what was armed; sign that");
    if (made.signature().empty()) {
        settle(turn, delivery, v1::DELIVERY_STATE_REFUSED, made.reason());
        complete(turn);
        return std::move(turn).done();
    }
    if (!content::is_signature(made.signature()))
        return reject(Because::invalid_argument, "not_a_signature",
                      "the signature is not one XML element `Signature` of at most 65,536 bytes; "
                      "sign again",
                      "signature");
    add_signature(turn, delivery, made.signature());
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
