#include "runtime/ledger/clock_probe.hpp"

#include "runtime/ledger/topics.hpp"

namespace tocsin::runtime {

void ClockProbe::turn(Tick tick) {
    if (on_its_way_ || tick < next_) return;
    next_ = tick + every;
    soonest_ = tick + again;
    const Time sent = clock_.now();
    const Queued queued =
        writer_.append(topic_, 0, service_, "probe", {}, [this, sent](const Stored& stored) {
            on_its_way_ = false;
            const Tick now = clock_.tick();
            if (!stored.ok()) {
                next_ = now + again;
                fails_(not_stored_text(topic_, stored));
            } else if (stored.stored_at != Time{}) {
                read_({sent, clock_.now(), stored.stored_at, now});
            }
        });
    on_its_way_ = queued == Queued::queued;
    if (on_its_way_) return;
    next_ = tick + again;
    if (queued != Queued::dead) fails_(not_queued_text(topic_, queued));
}

}  // namespace tocsin::runtime
