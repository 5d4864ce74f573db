#include "sim/line_world.hpp"

#include "all_services.hpp"
#include "runtime/ledger/topics.hpp"
#include "sim/publishing_process.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using std::chrono::seconds;

static constexpr int step_ms_most = 1'000;

LineWorld::LineWorld(std::uint64_t seed, int steps)
    : random_(seed),
      steps_(steps),
      storm_(chance(.2)),
      clocks_agree_(chance(.5)),
      tail_lost_(chance(.2)),
      calm_all_(chance(.7)),
      kafka_(clock_, random_()),
      people_(*this) {
    config_.kafka_partitions = chance(.3) ? 2 : 1;
    config_.pipeline_max = 5;
    kafka_.faults = usual_faults(storm_ ? 1 : .5);
    kafka_.faults.deadly = .001;
    for (runtime::ServiceDefinition& definition : all_services())
        services_.push_back(std::make_unique<LineService>(*this, std::move(definition)));
    network_ = std::make_unique<Network>(of("publishing"), channels_);
    network_->fault_of = [this](const auto& who, const auto& request) {
        return releases_.fault_of(who, request, now());
    };
    for (auto& service : services_) service->connect(2 + below(2));
    timeline_.add(*network_);
    kafka_.landed = [this](const auto& place, std::int64_t offset) { landed(place, offset); };
    if (clocks_agree_) promises_.clocks_agree();
}

bool LineWorld::chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

int LineWorld::below(int bound) {
    return static_cast<int>(random_() % static_cast<std::uint64_t>(bound));
}

LineService& LineWorld::of(std::string_view name) {
    for (auto& service : services_)
        if (service->name() == name) return *service;
    throw std::logic_error(fmt::format("no service {}", name));
}

std::unique_ptr<Process> LineWorld::make_process(LineService& service, const ProcessPlan& plan,
                                                 std::string name) {
    std::unique_ptr<Process> process;
    if (service.name() == "publishing")
        process = std::make_unique<PublishingProcess>(service, *network_, plan, std::move(name));
    else
        process = std::make_unique<Process>(service, plan, std::move(name));
    timeline_.add(*process);
    return process;
}

void LineWorld::landed(const FakeKafka::Place& place, std::int64_t offset) {
    if (place.first == runtime::dead_letters_topic("live")) {
        const auto& record = kafka_.log(place.first, place.second).at(offset);
        const auto value = [&](std::string_view name) {
            return std::ranges::find(record.headers, name, &runtime::Headers::value_type::first)
                ->second;
        };
        return of(record.key)
            .letter_kept(place.second, value("tocsin_error_topic"),
                         std::stoll(value("tocsin_error_offset")));
    }
    for (auto& service : services_)
        if (const auto decision = service->landed(place, offset)) counted(*service, *decision);
}

void LineWorld::counted(const LineService& service, const ledger::v1::Decision& decision) {
    promises_.counted(service.name(), decision);
    if (service.name() == "publishing") releases_.counted(decision);
    if (service.name() != "approval") return;
    for (const std::string& bytes : decision.accepted().events()) {
        approval::v1::Event event;
        if (event.ParseFromString(bytes) && event.has_cleared())
            releases_.approved(event.cleared().digest());
    }
}

void LineWorld::starts_over(const LineService& service) {
    if (service.name() == "measurement") promises_.measurement_starts_over();
}

void LineWorld::read_with(const runtime::Position& position) {
    LineService& reader =
        *services_[static_cast<std::size_t>(below(static_cast<int>(services_.size())))];
    Process* one = reader.any_ready();
    if (one != nullptr && one->driver().follows(position))
        one->await(line_realm, position, seconds(1 + below(8)));
}

void LineWorld::run() {
    for (auto& service : services_) service->start(false);
    for (int i = 0; i < steps_; ++i) {
        faults();
        if (chance(.15)) gauges_.act();
        people_.act();
        step();
    }
    calm_down();
    check_end();
}

void LineWorld::step() {
    ++totals_.ticks;
    for (auto& service : services_)
        if (service->opened()) service->retries();
    timeline_.run(milliseconds(1 + below(step_ms_most)));
    breaches_.raise();
    releases_.check_stoppable(now(), "calgary");
}

void LineWorld::faults() {
    for (auto& service : services_) service->faults();
    if (chance(.01)) channels_.forget_keys();
    if (!kafka_.away() && chance(storm_ ? .004 : .001)) {
        kafka_.go_away();
        away_until_ = clock_.tick() + seconds(1 + below(20));
    }
    if (kafka_.away() && clock_.tick() >= away_until_) kafka_.come_back();
    // Nobody follows measurement: what it lost it tells once more. The others promise more than a
    // log that forgets can keep.
    if (tail_lost_ && chance(.003)) of("measurement").cut_tail();
}

void LineWorld::calm_down() {
    calm_ = true;
    kafka_.faults = {};
    if (kafka_.away()) kafka_.come_back();
    network_->set_failing(0);
    for (auto& service : services_) service->calm_down(calm_all_);
    gauges_.finish();
    kafka_.hurry();
    for (int i = 0; i < 5'000; ++i) {
        people_.finish();
        step();
        if (i % 20 == 0 && settled_down()) return;
    }
    for (auto& service : services_)
        if (const auto why = service->why_not_settled(); !why.empty())
            throw Violation(fmt::format("{} never comes to rest: {}", service->name(), why));
    if (!readings_.all_looked_at()) throw Violation("nobody looks at the last readings");
    std::string states;
    for (const auto& [id, release] : state<publishing::Decider>("publishing").releases.by_id)
        if (!release.at_rest()) states += " " + ReleasePromises::standing_of(release);
    throw Violation("the line never comes to rest:" + states);
}

bool LineWorld::settled_down() {
    return people_.finished() && readings_.all_looked_at() &&
           std::ranges::all_of(services_,
                               [](const auto& service) { return service->settled_down(); });
}

void LineWorld::check_end() {
    promises_.check_end();
    releases_.check_end();
    totals_.effects += promises_.tally().fired;
    for (auto& service : services_) service->check_end();
    breaches_.raise();
}

std::string LineWorld::trace() const {
    std::string all = fmt::format("scenario line, {} steps", totals_.ticks);
    for (const auto& service : services_) {
        const OracleLogs& logs = service->watched().logs();
        all += fmt::format(", {} {}/{}", service->name(), service->watched().chain().size(),
                           logs.ledger.end());
    }
    const LinePromises::Tally tally = promises_.tally();
    return all + fmt::format(", {} messages, {} cleared, {} fired, {} sent; {} void, {} folds",
                             tally.messages, tally.cleared, tally.fired, releases_.sent(),
                             totals_.void_records, totals_.folds);
}

}  // namespace tocsin::sim
