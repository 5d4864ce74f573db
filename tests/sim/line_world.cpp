#include "sim/line_world.hpp"

#include "approval/service.hpp"
#include "drafting/service.hpp"
#include "measurement/service.hpp"
#include "publishing/service.hpp"
#include "trigger/service.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

LineWorld::LineWorld(std::uint64_t seed, int steps)
    : random_(seed),
      steps_(steps * 2),
      storm_(chance(.2)),
      clocks_agree_(chance(.5)),
      tail_lost_(chance(.2)),
      calm_all_(chance(.7)),
      people_(*this) {
    for (runtime::ServiceDefinition definition :
         {drafting::service(), approval::service(), trigger::service(), publishing::service(),
          measurement::service()})
        services_.push_back(std::make_unique<LineService>(*this, std::move(definition)));
    for (auto& service : services_) service->connect(2 + below(2));
    if (clocks_agree_) promises_.clocks_agree();
}

bool LineWorld::chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

int LineWorld::below(int bound) {
    return static_cast<int>(random_() % static_cast<std::uint64_t>(bound));
}

Time LineWorld::now() const {
    return Time{std::chrono::seconds{1'750'000'000 + tick_ * second_per_tick}};
}

LineService& LineWorld::of(std::string_view name) {
    for (auto& service : services_)
        if (service->name() == name) return *service;
    throw std::logic_error(fmt::format("no service {}", name));
}

void LineWorld::counted(const LineService& service, const ledger::v1::Decision& decision) {
    promises_.counted(service.name(), decision);
}

void LineWorld::starts_over(const LineService& service) {
    if (service.name() == "measurement") promises_.measurement_starts_over();
}

void LineWorld::run() {
    for (auto& service : services_) service->start(false);
    for (int i = 0; i < steps_; ++i) {
        faults();
        people_.act();
        tick_once();
    }
    calm_down();
    check_end();
}

void LineWorld::tick_once() {
    ++tick_;
    ++totals_.ticks;
    for (auto& service : services_) {
        if (service->opened()) service->retries();
        service->step();
    }
}

void LineWorld::faults() {
    for (auto& service : services_) service->faults();
    // Nobody follows measurement: what it lost it tells once more. The others promise more than a
    // log that forgets can keep.
    if (!tail_lost_ || !chance(.003)) return;
    of("measurement").cut_tail();
}

void LineWorld::calm_down() {
    calm_ = true;
    for (auto& service : services_) service->calm_down(calm_all_);
    for (int i = 0; i < 10'000; ++i) {
        people_.finish();
        tick_once();
        if (i % 20 == 0 && settled_down()) return;
    }
    for (auto& service : services_)
        if (!service->settled_down()) throw Violation(service->name() + " never comes to rest");
    throw Violation("the line never comes to rest");
}

bool LineWorld::settled_down() {
    return people_.finished() && std::ranges::all_of(services_, [](const auto& service) {
               return service->settled_down();
           });
}

void LineWorld::check_end() {
    promises_.check_end();
    totals_.effects += promises_.tally().fired;
    for (auto& service : services_) service->check_end();
    if (totals_.void_records >= totals_.decisions)
        throw Violation(fmt::format("{} void records for {} decisions", totals_.void_records,
                                    totals_.decisions));
}

std::string LineWorld::trace() const {
    std::string all = fmt::format("scenario line, tick {}", tick_);
    for (const auto& service : services_)
        all += fmt::format(", {} {}/{}", service->name(), service->watched().chain().size(),
                           service->ledger().end());
    const LinePromises::Tally tally = promises_.tally();
    return all + fmt::format(", {} messages, {} cleared, {} fired", tally.messages, tally.cleared,
                             tally.fired);
}

}  // namespace tocsin::sim
