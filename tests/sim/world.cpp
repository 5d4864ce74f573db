#include "sim/world.hpp"

#include "runtime/record.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = [] {
        using Inputs = Scenario::Inputs;
        std::vector<Scenario> list{{"plain"},       {"alone"},     {"clocks"},       {"realms"},
                                   {"storm"},       {"tail_lost"}, {"input_shrank"}, {"input_gone"},
                                   {"ledger_lost"}, {"release"}};
        list[1].calm_all = false;
        list[2].clock_steps = true;
        list[3].two_realms = true;
        list[4].storm = list[4].two_realms = true;
        list[5].tail_lost = true;
        list[6].inputs = Inputs::shrank;
        list[7].inputs = Inputs::gone;
        list[8].inputs = Inputs::ledger_lost;
        list[9].release = true;
        return list;
    }();
    return all;
}

void Totals::add(const Totals& other) {
    seeds += other.seeds;
    violations += other.violations;
    decisions += other.decisions;
    void_records += other.void_records;
    folds += other.folds;
    answers += other.answers;
    effects += other.effects;
    dead_letters += other.dead_letters;
    takeovers += other.takeovers;
    ticks += other.ticks;
}

World::World(std::uint64_t seed, Scenario scenario, runtime::Bug bug, int steps)
    : random_(seed),
      scenario_(std::move(scenario)),
      bug_(bug),
      steps_(steps),
      oracle_({ledger_,
               commands_,
               {{upstream_, "up"}},
               {{stream_, "sim"}},
               dead_letters_,
               record_bytes_max},
              std::make_unique<Toy>(), mac_),
      upstream_head_(runtime::genesis_digest(upstream_.name, 0)) {
    for (const char* name : {"a", "b", "c"})
        instances_.push_back(std::make_unique<Instance>(*this, name));
}

const Toy& World::truth() const { return static_cast<const Toy&>(oracle_.rules()); }

Time World::now() const {
    return Time{std::chrono::seconds{1'750'000'000 + tick_ * second_per_tick}};
}

void World::run() {
    instances_[0]->start();
    instances_[1]->start();
    for (int i = 0; i < steps_; ++i) {
        faults();
        tick_once();
    }
    if (scenario_.inputs != Scenario::Inputs::kept) {
        damage_inputs();
        check_halted_and_restart();
        for (int i = 0; i < steps_ / 2; ++i) {
            faults();
            tick_once();
        }
    }
    calm_down();
    check_end();
}

void World::tick_once() {
    ++tick_;
    ++totals_.ticks;
    for (auto& instance : instances_) {
        instance->step();
        for (int i = 0; i < (calm_ ? 4 : 1); ++i) instance->deliver();
    }
}

Instance* World::any_alive() {
    Instance& one = *instances_[static_cast<std::size_t>(below(3))];
    return one.alive() && !one.frozen() ? &one : nullptr;
}

void World::faults() {
    callers();
    const double more = scenario_.storm ? 3 : 1;
    Instance& one = *instances_[static_cast<std::size_t>(below(3))];
    if (!one.alive() && chance(.02)) one.start();
    if (chance(.003 * more)) one.crash();
    if (one.alive() && chance(.004 * more)) one.freeze(80);
    if (one.alive() && chance(.004 * more)) one.broker_trouble();
    if (!limbo_.empty() && chance(.01)) {
        const auto which = below(static_cast<int>(limbo_.size()));
        const Parcel parcel = limbo_[static_cast<std::size_t>(which)];
        limbo_.erase(limbo_.begin() + which);
        land(parcel);
    }
    if (scenario_.clock_steps && chance(.004)) {
        static constexpr int steps[] = {-3600, -600, -60, 60, 600, 3600};
        one.set_clock(std::chrono::seconds(steps[below(6)]));
    }
    if (scenario_.tail_lost && oracle_.chain().size() > 5 && chance(.003)) cut_tail();
}

std::int64_t World::land(const Parcel& parcel) {
    parcel.to->records.push_back({parcel.value, now()});
    if (parcel.to == &ledger_) oracle_.appended();
    return parcel.to->end() - 1;
}

void World::keep_dead_letter(int input, std::int64_t offset) {
    if (dead_letters_.insert({topic(input).name, offset}).second) ++totals_.dead_letters;
}

std::string World::some_body() {
    const int draw = below(20);
    if (draw < 10) return fmt::format("add {}", below(9));
    if (draw < 13) return fmt::format("arm d{} text-{}", deliveries_made_++, below(1000));
    if (draw < 15 && deliveries_made_ > 0) return fmt::format("cancel d{}", deliveries_made_ - 1);
    if (draw < 16) return fmt::format("timer {}", 10 + below(100));
    if (draw == 16) return "boom";
    if (draw == 17) return "huge";
    return fmt::format("add {}", below(9));
}

std::string World::command_value(const std::string& realm, const std::string& id,
                                 const std::string& body, Time expires_at) {
    runtime::Submission submission;
    submission.asking = {realm, "ana", "calgary", {}, id};
    submission.expires_at = expires_at;
    submission.sent_at = now();
    submission.body = body;
    return runtime::command_bytes(submission, mac_);
}

void World::callers() {
    if (!oracle_.opened()) return;  // Nobody can ask before the service has opened.
    if (chance(.06)) new_request();
    if (chance(.02)) upstream_writes();
    if (chance(.03)) stream_writes();
    if (!requests_.empty() && chance(.03)) {
        const int count = requests_.size();
        const auto which = count - 1 - below(std::min(count, chance(.8) ? 8 : count));
        retry(requests_.at(which));
    }
}

void World::new_request() {
    const std::string realm = scenario_.two_realms && chance(.5) ? "elbow" : "bow";
    std::string id = fmt::format("r{}", requests_made_++);
    if (requests_made_ > 3 && chance(.05)) id = fmt::format("r{}", requests_made_ - 1 - below(3));
    const std::string body = some_body();
    const int life = chance(.9) ? lifetime_ticks : 10 + below(600);
    const Time expires = now() + std::chrono::seconds(life * second_per_tick);
    Request asked;
    asked.key = runtime::request_key("ana", id);
    asked.digest = runtime::body_digest(body, expires);
    asked.value = command_value(realm, id, body, expires);
    Request& request = requests_.add(std::move(asked));
    if (chance(.03)) {  // Somebody forges it.
        commands_.records.push_back({runtime::seal(request.value, other_mac_), now()});
    }
    if (chance(.02)) commands_.records.push_back({runtime::seal("\x0f garbage", mac_), now()});
    retry(request);
}

void World::retry(Request& request) {
    if (Instance* instance = any_alive()) {
        instance->submit(request.name(), commands_, request.value);
        request.retry_at = tick_ + 40;
    }
}

void World::upstream_writes() {
    ledger::v1::Decision decision;
    const bool counts = chance(.7);
    decision.set_previous_digest(counts ? upstream_head_
                                        : runtime::sha256(std::to_string(random_())));
    decision.set_writer("elsewhere");
    decision.set_realm(scenario_.two_realms && chance(.5) ? "elbow" : "bow");
    *decision.mutable_decided_at() = runtime::to_proto(now());
    const int draw = below(10);
    if (draw < 5) decision.mutable_accepted()->add_events(fmt::format("add {}", below(9)));
    if (draw == 5) decision.mutable_accepted()->add_events("aside");
    if (draw == 6) decision.mutable_accepted()->add_events("boom");
    if (draw == 7 && deliveries_made_ > 0)
        decision.mutable_accepted()->add_events(fmt::format("veto d{}", deliveries_made_ - 1));
    if (draw == 8) decision.mutable_rejected()->set_code("no");
    const bool forged = chance(.1);
    std::string record = runtime::seal(decision.SerializeAsString(), forged ? other_mac_ : mac_);
    if (counts && !forged) upstream_head_ = runtime::sha256(record);
    upstream_.records.push_back({std::move(record), now()});
}

void World::stream_writes() {
    stream_.records.push_back(
        {command_value("bow", "", fmt::format("reading {}", below(1 + static_cast<int>(tick_))),
                       now()),
         now()});
}

void World::cut_tail() {
    const auto keep =
        std::max<std::size_t>(static_cast<std::size_t>(oracle_.chain().front().first) + 1,
                              ledger_.records.size() - static_cast<std::size_t>(1 + below(6)));
    if (keep >= ledger_.records.size()) return;
    history_lost_ = true;
    auto kept = ledger_.records;
    kept.resize(keep);
    ledger_.records.clear();
    oracle_.start_over();
    for (auto& record : kept) {
        ledger_.records.push_back(std::move(record));
        oracle_.appended();
    }
    for (auto& instance : instances_)
        if (instance->alive() && chance(.3)) instance->broker_trouble();
}

// Everybody is down; then an input, or the ledger, turns out not to be what it was.
void World::damage_inputs() {
    for (auto& instance : instances_) instance->crash();
    limbo_.clear();
    using Inputs = Scenario::Inputs;
    if (scenario_.inputs == Inputs::shrank) {
        commands_.records.resize(static_cast<std::size_t>(
            std::max<std::int64_t>(0, oracle_.position(commands_.name) - 1 - below(5))));
    } else if (scenario_.inputs == Inputs::gone) {
        const std::int64_t position = oracle_.position(commands_.name);
        while (commands_.end() < position + 2) commands_.records.push_back({"lost", now()});
        commands_.drop_before(position + 1 + below(2));
    } else {
        ledger_.records.clear();
        oracle_.start_over();
        if (commands_.end() == 0) commands_.records.push_back({"lost", now()});
    }
    history_lost_ = true;
}

void World::check_halted_and_restart() {
    const bool possible = scenario_.inputs != Scenario::Inputs::shrank ||
                          commands_.end() < oracle_.position(commands_.name);
    const std::int64_t before = ledger_.end();
    for (auto& instance : instances_) instance->start();
    for (int i = 0; i < 300; ++i) tick_once();  // Long enough to read everything twice.
    if (!possible) return;
    using Inputs = Scenario::Inputs;
    const std::string why = scenario_.inputs == Inputs::shrank ? "input_shrank"
                            : scenario_.inputs == Inputs::gone ? "input_gone"
                                                               : "ledger_lost";
    if (ledger_.end() != before) throw Violation("decided although " + why);
    for (auto& instance : instances_)
        if (!instance->partition().halted().starts_with(why))
            throw Violation("no alarm although " + why);
    for (int i = 0; i < 3000; ++i) {
        Instance& one = *instances_[static_cast<std::size_t>(below(3))];
        if (one.alive() && !one.partition().halted().empty() && chance(.02))
            one.partition().restart_inputs("operator");
        tick_once();
        bool halted = false;
        for (auto& instance : instances_) {
            if (!instance->alive()) instance->start();
            halted |= !instance->partition().halted().empty();
        }
        if (!halted) return;
    }
    throw Violation("still halted after the operator's word");
}

void World::calm_down() {
    calm_ = true;
    for (const Parcel& parcel : std::exchange(limbo_, {})) land(parcel);
    const auto lone = static_cast<std::size_t>(below(3));
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        Instance& instance = *instances_[i];
        instance.freeze(0);
        if (scenario_.calm_all || i == lone) {
            if (!instance.alive()) instance.start();
        } else {
            instance.crash();
        }
        instance.set_clock(std::chrono::seconds(0));
    }
    for (const Parcel& parcel : std::exchange(limbo_, {})) land(parcel);
    // A tail is lost with a change of leader, of which every instance hears in the end. Where
    // nothing counted since, no record could show it.
    if (scenario_.tail_lost)
        for (auto& instance : instances_)
            if (instance->alive()) instance->broker_trouble();
    for (int i = 0; i < 6000; ++i) {
        retry_unanswered();
        tick_once();
        if (i % 10 == 0 && settled_down()) return;
    }
    for (auto& instance : instances_)
        if (instance->alive() && !instance->partition().halted().empty())
            throw Violation("halted: " + instance->partition().halted());
    if (!requests_.all_answered()) throw Violation("a caller was never answered");
    throw Violation(oracle_.all_considered() ? "it never comes to rest" : "an input was lost");
}

void World::retry_unanswered() {
    for (auto& [name, request] : requests_.all()) {
        if (request.answer || request.retry_at > tick_) continue;
        retry(request);
    }
}

bool World::settled_down() {
    for (auto& instance : instances_)
        if (instance->alive() && !instance->at_rest()) return false;
    if (!oracle_.all_considered()) return false;
    if (!requests_.all_answered()) return false;
    for (const auto& [name, realm] : truth().realms()) {
        if (!realm.timers.empty()) return false;
        for (const auto& [id, delivery] : realm.deliveries)
            if (delivery.phase == Delivery::Phase::armed ||
                delivery.phase == Delivery::Phase::claimed)
                return false;
    }
    return true;
}

void World::answer(const std::string& name, const runtime::Remembered& given) {
    ++totals_.answers;
    requests_.told(name, given, oracle_, history_lost_);
}

void World::count_end(const runtime::Partition::Counters& counters) {
    totals_.folds += counters.folds_again + 1;
    totals_.takeovers += counters.takeovers;
}

void World::perform(const std::string& realm, const std::string& id, int attempt,
                    const std::string& executor, const std::string& content) {
    ++totals_.effects;
    Effect& effect = journal_[id];
    effect.realm = realm;
    effect.content = content;
    ++effect.times;
    if (history_lost_) return;
    if (effect.times > 1) throw Violation("delivered twice: " + id);
    const auto& realms = truth().realms();
    const auto found = realms.find(realm);
    const Delivery* delivery = nullptr;
    if (found != realms.end())
        if (const auto place = found->second.deliveries.find(id);
            place != found->second.deliveries.end())
            delivery = &place->second;
    if (delivery == nullptr || delivery->phase != Delivery::Phase::claimed ||
        delivery->attempt != attempt || delivery->executor != executor)
        throw Violation("an effect without a claim that counts: " + id);
}

void World::check_end() {
    for (auto& instance : instances_)
        if (instance->alive()) check_fold(*instance);
    if (!history_lost_) {
        requests_.check(oracle_);
        check_effects();
    }
    const auto decisions = static_cast<std::int64_t>(oracle_.chain().size());
    totals_.decisions += decisions;
    totals_.void_records += oracle_.void_records();
    for (auto& instance : instances_) instance->crash();
    if (oracle_.void_records() >= 3 * decisions + 60)
        throw Violation(
            fmt::format("{} void records for {} decisions", oracle_.void_records(), decisions));
}

void World::check_fold(Instance& instance) {
    instance.check_fold();
    if (static_cast<const Toy&>(instance.partition().fold().rules()).dump() != truth().dump())
        throw Violation("folds differ in their state");
}

void World::check_effects() {
    for (const auto& [name, realm] : truth().realms()) {
        for (const auto& [id, delivery] : realm.deliveries) {
            const auto found = journal_.find(id);
            const bool shown = found != journal_.end();
            if (shown != (delivery.phase == Delivery::Phase::delivered))
                throw Violation("the ledger and the channel differ about " + id);
            if (shown && found->second.content != delivery.content)
                throw Violation("delivered what was not approved: " + id);
        }
    }
}

std::string World::trace() const {
    return fmt::format("scenario {}, tick {}, {} ledger records, {} counted, {} commands",
                       scenario_.name, tick_, ledger_.end(), oracle_.chain().size(),
                       commands_.end());
}

}  // namespace tocsin::sim
