#include "sim/timeline.hpp"

#include <algorithm>

namespace tocsin::sim {

void Timeline::run(milliseconds time) {
    const Tick end = clock_.tick() + time;
    while (clock_.tick() < end) {
        kafka_.advance();
        for (Actor* actor : actors_)
            if (actor->due() <= clock_.tick()) actor->turn();
        Tick next = std::min(end, kafka_.next().value_or(Tick::max()));
        for (const Actor* actor : actors_) next = std::min(next, actor->due());
        const auto step = std::chrono::ceil<milliseconds>(next - clock_.tick());
        clock_.advance(std::max(step, milliseconds(1)));
    }
}

}  // namespace tocsin::sim
