#include "sim/world.hpp"

#include "runtime/record.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using runtime::RecordKind;
using runtime::Seal;

static std::vector<Scenario> all_scenarios() {
    using Inputs = Scenario::Inputs;
    std::vector<Scenario> list;
    const auto add = [&](const char* name) -> Scenario& {
        return list.emplace_back(Scenario{name});
    };
    add("plain");
    add("alone").calm_all = false;
    add("clocks").clock_steps = true;
    add("realms").two_realms = true;
    Scenario& storm = add("storm");
    storm.storm = storm.two_realms = true;
    add("tail_lost").tail_lost = true;
    add("inputs_cut").inputs_cut = true;
    add("input_gone").inputs = Inputs::gone;
    add("ledger_lost").inputs = Inputs::ledger_lost;
    add("release").release = true;
    add("broker_wrong").broker_wrong = true;
    Scenario& versions = add("versions");
    versions.versions = versions.lone_fault = true;
    versions.longer = 2;
    Scenario& slow = add("slow");
    slow.slow = slow.lone_fault = true;
    Scenario& namesakes = add("namesakes");
    namesakes.namesakes = namesakes.lone_fault = true;
    namesakes.longer = 2;
    Scenario& keys = add("keys");
    keys.keys = true;
    keys.longer = 3;  // It takes a while until the old one is out of force.
    add("quiet_week").quiet = true;
    Scenario& both = add("tails_lost");
    both.inputs_cut = both.tail_lost = true;
    Scenario& lasting = add("long");
    lasting.inputs_cut = true;
    lasting.longer = 12;
    return list;
}

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = all_scenarios();
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
    expired += other.expired;
    rewound += other.rewound;
    races_lost += other.races_lost;
    dead_letters += other.dead_letters;
    takeovers += other.takeovers;
    ticks += other.ticks;
}

World::World(std::uint64_t seed, Scenario scenario, int steps)
    : random_(seed),
      scenario_(std::move(scenario)),
      steps_(steps * scenario_.longer),
      oracle_({ledger_,
               commands_,
               {{upstream_, "up"}},
               {{stream_, "sim"}},
               dead_letters_,
               record_bytes_max},
              std::make_unique<Toy>(2), both_keys_),
      upstream_head_(runtime::genesis_digest(upstream_.name, 0)) {
    for (const char* name : {"a", "b", "c"})
        instances_.push_back(std::make_unique<Instance>(*this, name));
    if (scenario_.namesakes) {
        instances_.resize(1);
        instances_.push_back(std::make_unique<Instance>(*this, "a"));
    }
}

const Toy& World::truth() const { return static_cast<const Toy&>(oracle_.rules()); }

Time World::now() const {
    return Time{std::chrono::seconds{1'750'000'000 + tick_ * second_per_tick} + ahead_};
}

void World::run() {
    instances_[0]->start();
    if (!scenario_.namesakes) instances_[1]->start();
    for (int i = 0; i < steps_; ++i) {
        if (scenario_.broker_wrong && i == steps_ / 3) ahead_ = std::chrono::hours(24 * 30);
        if (scenario_.broker_wrong && i == steps_ / 3 + 60) ahead_ = {};
        if (scenario_.namesakes && i == steps_ / 4) instances_[1]->start();
        if (scenario_.keys && i == steps_ / 3) keys_changed_ = true;
        faults();
        tick_once();
    }
    check_fault_was_noticed();
    if (scenario_.inputs != Scenario::Inputs::kept) {
        damage_inputs();
        check_halted_and_restart();
        for (int i = 0; i < steps_ / 2; ++i) {
            faults();
            tick_once();
        }
    }
    calm_down();
    if (scenario_.quiet) quiet_week();
    check_end();
}

// What cannot go on must have stopped by now, and nothing else.
void World::check_fault_was_noticed() {
    if (scenario_.namesakes && !instances_[1]->partition().halted().starts_with("name_taken"))
        throw Violation("two processes of one name go on deciding");
    if (scenario_.namesakes && !instances_[0]->partition().halted().empty())
        throw Violation("halted: " + instances_[0]->partition().halted());
    if (scenario_.versions && oracle_.position(upstream_.name) > newer_at_ && newer_at_ >= 0 &&
        tick_ - newer_tick_ > 400 &&
        !instances_[0]->partition().halted().starts_with("unknown_event"))
        throw Violation("an unknown event of its own ledger does not stop a process");
    if (scenario_.namesakes) instances_[1]->crash();
    if (scenario_.versions) instances_[0]->crash();
}

// Everything was answered, and repeats came last. A week later retention has taken all commands,
// and every instance starts again: nothing was lost.
void World::quiet_week() {
    for (int i = 0; i < 3 && !requests_.empty(); ++i)
        commands_.records.push_back({requests_.at(requests_.size() - 1).value, now()});
    commands_.records.push_back({"noise", now()});
    for (int i = 0; i < 400; ++i) tick_once();
    tick_ += 8 * 86'400 / second_per_tick;
    commands_.drop_before(commands_.end());
    for (auto& instance : instances_) {
        instance->crash();
        instance->start();
    }
    for (int i = 0; i < 300; ++i) tick_once();
    for (auto& instance : instances_)
        if (!instance->partition().halted().empty())
            throw Violation("halted after a quiet week: " + instance->partition().halted());
}

void World::tick_once() {
    ++tick_;
    ++totals_.ticks;
    // Twice the tolerance: measured within it, a clock may move by as much before it is noticed.
    if (!scenario_.broker_wrong)
        oracle_.latest_stamp(now() + 2 * clock_tolerance + std::chrono::seconds(5));
    for (auto& instance : instances_) {
        instance->step();
        for (int i = 0; i < (calm_ ? 4 : 1); ++i) instance->deliver();
    }
}

Instance* World::any_alive() {
    Instance& one = *instances_[static_cast<std::size_t>(below(count_of_instances()))];
    return one.alive() && !one.frozen() ? &one : nullptr;
}

void World::faults() {
    callers();
    const double more = scenario_.storm ? 3 : 1;
    check_tokens();
    if (scenario_.lone_fault) return check_progress();
    Instance& one = *instances_[static_cast<std::size_t>(below(3))];
    if (!one.alive() && chance(.02)) one.start();
    if (scenario_.keys && keys_changed_ && chance(.02)) one.crash();  // To be started with both.
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
    if (scenario_.tail_lost && oracle_.chain().size() > 5 && chance(.003 / scenario_.longer))
        cut_tail();
    if (scenario_.inputs_cut && oracle_.opened() && chance(.005)) cut_input();
    operators();
}

// Where a month's error of every clock stopped a ledger, somebody overrides it.
void World::operators() {
    if (!scenario_.broker_wrong || ahead_.count() > 0) return;
    Instance* one = any_alive();
    if (one != nullptr && one->partition().halted().starts_with("ledger_ahead") && chance(.02) &&
        !one->partition().override_clock("operator"))
        throw Violation("an override is refused although the ledger is ahead");
}

// No position counts as reached before what lies there was decided.
void World::check_tokens() {
    Instance* one = any_alive();
    if (one == nullptr || scenario_.inputs_cut || scenario_.tail_lost || history_lost_) return;
    // Who lacks the new key takes commands under it for somebody else's, until it reads of the change.
    for (int input = keys_changed_ ? 1 : 0; input < 2; ++input) {
        const std::int64_t considered = one->partition().considered(input);
        const Topic& log = topic(input);
        if (considered > log.end() || !oracle_.considered_before(log.name, considered))
            throw Violation("a position counts as reached before its time: " + log.name);
    }
}

// An instance of an older version must not keep the lead from those that can go on.
void World::check_progress() {
    constexpr int patience = 400;
    if (!scenario_.versions || newer_at_ < 0) return;
    if (oracle_.position(upstream_.name) <= newer_at_ && tick_ - newer_tick_ > patience)
        throw Violation("who cannot read an input keeps it from who can");
}

// With the broker's trouble, of which each instance hears before it reads on.
void World::cut_input() {
    Topic& log = *inputs_[static_cast<std::size_t>(below(3))];
    const std::int64_t size = log.end() - log.low;
    if (size < 6) return;
    const std::int64_t lost = 1 + below(5);
    oracle_.tail_lost(log, log.end() - lost);
    log.records.resize(static_cast<std::size_t>(size - lost));
    if (&log == &upstream_) {
        upstream_lost_ = true;
        const auto& chain = oracle_.upstream_chain(upstream_.name);
        upstream_head_ =
            chain.empty() ? runtime::genesis_digest(upstream_.name, 0) : chain.back().second;
    }
    for (auto& instance : instances_)
        if (instance->alive()) instance->broker_trouble();
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
    // Set by a clock that is a month ahead, a timer would be due in a month.
    if (draw < 16 && !scenario_.broker_wrong) return fmt::format("timer {}", 10 + below(100));
    if (draw == 16) return "boom";
    if (draw == 17) return "huge";
    return fmt::format("add {}", below(9));
}

std::string World::sealed(const std::string& realm, const std::string& id, const std::string& body,
                          Time expires_at, const Seal& seal) const {
    runtime::Submission submission;
    submission.asking = {realm, "ana", "calgary", {}, id};
    submission.expires_at = expires_at;
    submission.sent_at = now();
    submission.body = body;
    return runtime::command_bytes(submission, seal, key_in_force());
}

const std::string& World::key_in_force() const {
    return oracle_.key_id().empty() ? keys_.newest() : oracle_.key_id();
}

std::string World::command_value(const std::string& realm, const std::string& id,
                                 const std::string& body, Time expires_at) const {
    return sealed(realm, id, body, expires_at, {both_keys_, commands_.name, RecordKind::command});
}

void World::callers() {
    if (!oracle_.opened()) return;  // Nobody can ask before the service has opened.
    if (chance(scenario_.versions ? .3 : scenario_.namesakes ? .12 : .06)) new_request();
    if (chance(.02)) upstream_writes();
    if (chance(.03)) stream_writes();
    if (scenario_.keys && chance(.05)) thief();
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
    asked.key = runtime::request_key(realm, "ana", id);
    asked.digest = runtime::body_digest(body, expires);
    asked.value = command_value(realm, id, body, expires);
    Request& request = requests_.add(std::move(asked));
    if (chance(.03)) {  // Somebody forges it, or copies it from where it meant something else.
        if (requests_made_ % 2 == 0) {
            const Seal seal(other_keys_, commands_.name, RecordKind::command);
            commands_.records.push_back({seal.close(request.value, other_keys_.newest()), now()});
        } else {
            const Seal elsewhere(both_keys_, "other.commands", RecordKind::command);
            commands_.records.push_back({sealed(realm, id, body, expires, elsewhere), now()});
        }
    }
    if (chance(.02)) {
        const Seal seal(keys_, commands_.name, RecordKind::command);
        commands_.records.push_back({seal.close("\x0f garbage", keys_.newest()), now()});
    }
    retry(request);
}

void World::retry(Request& request) {
    if (Instance* instance = any_alive()) {
        if (scenario_.keys) {  // Each attempt is signed with what is in force then.
            const Seal seal(both_keys_, commands_.name, RecordKind::command);
            request.value = seal.close(std::string(*seal.open(request.value)), key_in_force());
        }
        instance->submit(request.name(), commands_, request.value);
        request.retry_at = tick_ + 40;
    }
}

// Somebody who has the key that was replaced, and write access.
void World::thief() {
    if (!oracle_.out_of_force(keys_.newest(), now())) return;
    runtime::Submission submission;
    submission.asking = {"bow", "ana", "calgary", {}, fmt::format("stolen-{}", tick_)};
    submission.expires_at = now() + std::chrono::hours(1);
    submission.body = "add 1";
    const Seal seal(keys_, commands_.name, RecordKind::command);
    commands_.records.push_back({runtime::command_bytes(submission, seal, keys_.newest()), now()});
    ledger::v1::Decision decision;
    decision.set_previous_digest(oracle_.head());
    decision.set_writer("a");
    decision.set_realm("bow");
    *decision.mutable_decided_at() = runtime::to_proto(now());
    decision.mutable_accepted()->add_events("total 1000000");
    land({&ledger_,
          Seal(keys_, ledger_.name, RecordKind::decision)
              .close(decision.SerializeAsString(), keys_.newest()),
          {}});
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
    const bool newer = draw == 9 && scenario_.versions && newer_at_ < 0 && counts;
    if (newer) decision.mutable_accepted()->add_events("newer thing");
    const bool forged = !newer && chance(.1);
    if (newer) newer_at_ = upstream_.end();
    if (newer) newer_tick_ = tick_;
    const runtime::WorldKeys& keys = forged ? other_keys_ : keys_;
    std::string record = Seal(keys, upstream_.name, RecordKind::decision)
                             .close(decision.SerializeAsString(), keys.newest());
    if (counts && !forged) upstream_head_ = runtime::sha256(record);
    upstream_.records.push_back({std::move(record), now()});
}

void World::stream_writes() {
    const Seal seal(both_keys_, stream_.name, RecordKind::reading);
    stream_.records.push_back(
        {sealed("bow", "", fmt::format("reading {}", below(1 + static_cast<int>(tick_))), now(),
                seal),
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
    if (scenario_.inputs == Inputs::gone) {
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
    const std::int64_t before = ledger_.end();
    for (auto& instance : instances_) instance->start();
    for (int i = 0; i < 300; ++i) tick_once();  // Long enough to read everything twice.
    using Inputs = Scenario::Inputs;
    const std::string why = scenario_.inputs == Inputs::gone ? "input_gone" : "ledger_lost";
    if (ledger_.end() != before) throw Violation("decided although " + why);
    for (auto& instance : instances_)
        if (!instance->partition().halted().starts_with(why))
            throw Violation("no alarm although " + why);
    for (int i = 0; i < 3000; ++i) {
        Instance& one = *instances_[static_cast<std::size_t>(below(3))];
        if (one.alive() && !one.partition().halted().empty() && chance(.02) &&
            !one.partition().restart_inputs("operator"))
            throw Violation("a restart is refused although " + why);
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
    const auto lone = static_cast<std::size_t>(below(count_of_instances()));
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        Instance& instance = *instances_[i];
        if (scenario_.namesakes && i == 1) continue;
        if (scenario_.versions && i == 0) continue;
        instance.freeze(0);
        if (scenario_.keys) instance.crash();
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
        operators();
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
    for (const Topic* log : inputs_)
        if (oracle_.position(log->name) > log->end()) return false;
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
    totals_.folds += counters.folds_again;
    folds_ += counters.folds_again;
    totals_.races_lost += counters.races_lost;
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
    if (scenario_.keys && oracle_key() != both_keys_.newest())
        throw Violation("the newest key does not sign");
    const auto decisions = static_cast<std::int64_t>(oracle_.chain().size());
    totals_.expired += oracle_.expired();
    totals_.rewound += oracle_.rewound();
    totals_.decisions += decisions;
    totals_.void_records += oracle_.void_records();
    for (auto& instance : instances_) instance->crash();
    check_folds(decisions);
    if (oracle_.void_records() >= 3 * decisions + 60)
        throw Violation(
            fmt::format("{} void records for {} decisions", oracle_.void_records(), decisions));
}

// The whole state is thrown away only where another's record counted in place of an own one.
void World::check_folds(std::int64_t decisions) const {
    if (scenario_.tail_lost || scenario_.inputs_cut || history_lost_) return;
    const std::int64_t most = scenario_.slow ? 5 : 4 + decisions / 12;
    if (folds_ > most)
        throw Violation(fmt::format("folded {} times for {} decisions", folds_, decisions));
}

std::string World::oracle_key() {
    for (auto& instance : instances_)
        if (instance->alive()) return instance->partition().key_id();
    return {};
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
