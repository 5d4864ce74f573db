#include "sim/instance.hpp"

#include "sim/world.hpp"

#include <fmt/format.h>

namespace tocsin::sim {

using runtime::InputSpec;

std::vector<InputSpec> Instance::inputs() {
    std::vector<InputSpec> specs(3);
    specs[0] = {InputSpec::Kind::commands, "sim.commands", "sim"};
    specs[1] = {InputSpec::Kind::ledger, "up.ledger", "up"};
    specs[2] = {InputSpec::Kind::stream, "sim.readings", "sim"};
    return specs;
}

runtime::Time Instance::now() const { return world_.now() + skew_; }

runtime::Tick Instance::tick() const {
    return runtime::Tick{std::chrono::milliseconds{1'000'000 + world_.tick() * tick_ms}};
}

bool Instance::chance(double probability) { return world_.chance(probability); }
int Instance::below(int bound) { return world_.below(bound); }

void Instance::start() {
    ++incarnation_;
    executor_ = fmt::format("{}#{}", name_, incarnation_);
    runtime::PartitionOptions options;
    options.service = "sim";
    options.ledger_topic = "sim.ledger";
    options.writer = name_;
    options.inputs = inputs();
    options.pipeline_max = 5;
    options.record_bytes_max = record_bytes_max;
    options.append_timeout = std::chrono::milliseconds(40 * tick_ms);
    options.timer_again = std::chrono::milliseconds(20 * tick_ms);
    options.jitter_seed = world_.random()();
    options.bug = world_.bug();
    frozen_ = 0;
    dying_ = false;
    skew_ = std::chrono::seconds(below(41) - 20);
    ledger_next_ = 0;
    input_next_.assign(3, -1);
    inputs_started_ = false;
    partition_ =
        std::make_unique<runtime::Partition>(options, world_.mac(), std::make_unique<Toy>(), *this);
}

void Instance::crash() {
    if (!partition_) return;
    world_.totals_.folds += partition_->counters().folds_again + 1;
    world_.totals_.takeovers += partition_->counters().takeovers;
    partition_.reset();
    for (Parcel& parcel : wire_) world_.to_limbo(std::move(parcel));
    wire_.clear();
    reports_.clear();
    letters_.clear();
    waiting_.clear();
    told_.clear();
    told_upstream_.clear();
    realm_of_.clear();
    armed_.clear();
    claimed_.clear();
    asked_at_.clear();
    ask_again_at_.clear();
}

// What it was about to do after this is never done.
bool Instance::dies(double probability) {
    dying_ = dying_ || (!world_.calm() && chance(probability));
    return dying_;
}

void Instance::step() {
    if (!partition_) return;
    if (frozen_ > 0) {
        --frozen_;
        return;
    }
    take_reports();
    read_some();
    if (world_.calm() || chance(.8)) obey(partition_->step(now(), tick()));
    if (partition_->caught_up() && !inputs_started_) {
        for (int input = 0; input < 3; ++input) {
            const Topic& topic = world_.topic(input);
            partition_->on_input_range(input, topic.low, topic.end(), world_.topic(-1).end() == 0);
            input_next_[static_cast<std::size_t>(input)] = partition_->input_start(input);
        }
        inputs_started_ = true;
    }
    for (std::size_t i = 0; i < letters_.size();) {
        if (!chance(.5)) {
            ++i;
            continue;
        }
        world_.keep_dead_letter(letters_[i].input, letters_[i].offset);
        partition_->on_dead_letter_stored(letters_[i].input, letters_[i].offset);
        letters_.erase(letters_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (partition_->caught_up() && partition_->halted().empty() && !dying_) execute();
    if (dying_) crash();
}

// Topics are interleaved at random; each is in its own order.
void Instance::read_some() {
    for (int i = 0; i < (world_.calm() ? 6 : 3); ++i) {
        const int input = below(5) - 2;
        for (int records = 1 + below(world_.calm() ? 20 : 5); records > 0; --records) {
            if (input < 0)
                read_ledger();
            else
                read_input(input);
        }
    }
}

void Instance::read_ledger() {
    const Topic& ledger = world_.topic(-1);
    if (ledger_next_ > ledger.end()) {
        partition_->on_ledger_out_of_range();
        obey(partition_->step(now(), tick()));
        return;
    }
    if (ledger_next_ == ledger.end()) {
        partition_->on_ledger_end(ledger_next_);
        return;
    }
    const std::int64_t offset = ledger_next_++;
    partition_->on_ledger_record(offset, ledger.at(offset).value, tick());
}

void Instance::read_input(int input) {
    if (!inputs_started_) return;
    const Topic& topic = world_.topic(input);
    std::int64_t& next = input_next_[static_cast<std::size_t>(input)];
    if (!topic.holds(next)) return;
    const std::int64_t offset = next++;
    partition_->on_input_record(input, offset, topic.at(offset).value, topic.at(offset).stored_at,
                                tick());
}

void Instance::obey(runtime::Orders orders) {
    if (orders.read_ledger_from) ledger_next_ = *orders.read_ledger_from;
    if (orders.read_inputs_again) inputs_started_ = false;
    for (auto& order : orders.append) {
        if (dies(.002)) return;
        wire_.push_back({&world_.topic(-1), std::move(order.record), std::move(order.digest)});
    }
    for (auto& letter : orders.dead_letters) letters_.push_back(std::move(letter));
    for (const auto& order : orders.fire)
        ask(order.realm, order.request_id, order.body, order.expires_at);
}

void Instance::take_reports() {
    for (std::size_t i = 0; i < reports_.size();) {
        if (reports_[i].due > world_.tick()) {
            ++i;
            continue;
        }
        const Report taken = reports_[i];
        reports_.erase(reports_.begin() + static_cast<std::ptrdiff_t>(i));
        if (taken.offset >= 0) {
            partition_->on_append_stored(taken.digest, taken.offset);
        } else {
            partition_->on_append_failed();
            if (chance(.5)) partition_->on_broker_trouble();
        }
    }
}

void Instance::report(const std::string& digest, bool landed, std::int64_t offset) {
    if (digest.empty()) return;
    const bool lies = !world_.calm() && chance(.05);
    if (!world_.calm() && chance(landed ? .1 : .5)) return;  // It never comes.
    const std::int64_t due = world_.tick() + (chance(.7) ? 1 : below(60));
    reports_.push_back({due, digest, landed && !lies ? offset : -1});
}

void Instance::deliver() {
    if (wire_.empty() || (!world_.calm() && !chance(.6))) return;
    const double draw = std::uniform_real_distribution<>(0, 1)(world_.random());
    const double trouble = world_.storm() ? 2 : 1;
    const auto which = world_.calm() || chance(.9) ? 0 : below(static_cast<int>(wire_.size()));
    Parcel parcel = std::move(wire_[static_cast<std::size_t>(which)]);
    wire_.erase(wire_.begin() + which);
    if (world_.calm() || draw > .15 * trouble) {
        const std::int64_t offset = world_.land(parcel);
        report(parcel.digest, true, offset);
    } else if (draw > .1 * trouble) {
        world_.land(parcel);
        const std::int64_t offset = world_.land(parcel);
        report(parcel.digest, true, offset);
    } else {
        report(parcel.digest, false, -1);
        if (draw < .06 * trouble) world_.to_limbo(std::move(parcel));
    }
}

void Instance::submit(const std::string& request, Topic& to, const std::string& value) {
    if (!partition_->caught_up() || !partition_->opened()) return;
    waiting_.insert(request);
    wire_.push_back({&to, value, {}});
}

bool Instance::at_rest() const {
    return partition_->caught_up() && partition_->in_flight() == 0 && wire_.empty() &&
           ledger_next_ == world_.topic(-1).end() && inputs_started_ &&
           input_next_[0] == world_.commands().end() && input_next_[1] == world_.topic(1).end();
}

void Instance::counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                       const std::string& digest) {
    if (input >= 0) {
        const auto& chain = world_.oracle().upstream_chain("up.ledger");
        told_upstream_.push_back(digest);
        if (told_upstream_.size() > chain.size() ||
            chain[told_upstream_.size() - 1].second != digest)
            throw Violation("a view was told an upstream decision that is void, or out of order");
        return;
    }
    if (offset >= 0) {
        const auto& chain = world_.oracle().chain();
        told_.push_back(digest);
        if (!world_.history_lost() &&
            (told_.size() > chain.size() || chain[told_.size() - 1].second != digest))
            throw Violation("a view was told what does not count, or twice, or out of order");
    }
    for (const std::string& event : decision.accepted().events()) follow(decision.realm(), event);
}

void Instance::history_changed() {
    if (!world_.history_lost()) throw Violation("history is said to have changed, but it has not");
    told_.clear();
    told_upstream_.clear();
    armed_.clear();
    claimed_.clear();
}

void Instance::answered(const std::string& key, const std::string& body_digest,
                        const runtime::Remembered& answer) {
    const std::string request = key + body_digest;
    if (waiting_.erase(request) > 0) world_.answer(request, answer);
}

// The executor's own picture of the deliveries.
void Instance::follow(const std::string& realm, const std::string& event) {
    const auto word = words(event);
    const std::string& id = word.size() > 1 ? word[1] : event;
    if (word[0] == "armed" || word[0] == "armed_again") {
        realm_of_[id] = realm;
        armed_[id] = word[0] == "armed" ? 0 : claimed_[id].attempt;
        claimed_.erase(id);
    } else if (word[0] == "claimed") {
        armed_.erase(id);
        claimed_[id] = {std::stoi(word[2]), world_.tick(), word[3] == executor_};
    } else if (word[0] == "delivered" || word[0] == "cancelled") {
        armed_.erase(id);
        claimed_.erase(id);
    }
}

// What was asked may be lost; it is asked again, but not at once.
bool Instance::may_ask(const std::string& delivery) {
    std::int64_t& next = ask_again_at_[delivery];
    if (world_.tick() < next || !chance(.1)) return false;
    next = world_.tick() + 40;
    return true;
}

void Instance::execute() {
    for (const auto& [id, attempt] : armed_) {
        if (!may_ask(id)) continue;
        asked_at_.try_emplace({id, attempt + 1}, world_.tick());
        ask(realm_of_[id], fmt::format("claim-{}-{}", executor_, asked_++),
            fmt::format("claim {} {} {}", id, attempt + 1, executor_),
            now() + std::chrono::seconds(lifetime_ticks * second_per_tick));
    }
    for (auto& [id, claim] : claimed_) {
        if (!claim.mine) {
            resolve(id, claim);
            continue;
        }
        if (chance(.3)) continue;
        claim.mine = false;
        const bool in_time = world_.tick() - asked_at_[{id, claim.attempt}] < give_up_ticks;
        const ToyRealm& realm =
            static_cast<const Toy&>(partition_->fold().rules()).realms().at(realm_of_[id]);
        if (in_time)
            world_.perform(realm_of_[id], id, claim.attempt, executor_,
                           realm.deliveries.at(id).content);
        if (dies(.05)) return;
        ask(realm_of_[id], fmt::format("outcome-{}-{}", executor_, asked_++),
            fmt::format("settle {} {} {}", id, claim.attempt, in_time ? "done" : "stood_down"),
            now() + std::chrono::seconds(lifetime_ticks * second_per_tick));
    }
}

// The claim's own executor counts from before it asked, so after this time it will not act.
void Instance::resolve(const std::string& id, const Claim& claim) {
    if (world_.tick() - claim.seen <= give_up_ticks + margin_ticks || !may_ask(id)) return;
    ask(realm_of_[id], fmt::format("resolve-{}-{}", executor_, asked_++),
        fmt::format("settle {} {} {}", id, claim.attempt,
                    world_.performed(id) ? "present" : "absent"),
        now() + std::chrono::seconds(lifetime_ticks * second_per_tick));
}

void Instance::ask(const std::string& realm, const std::string& id, const std::string& body,
                   Time expires_at) {
    wire_.push_back({&world_.commands(), world_.command_value(realm, id, body, expires_at), {}});
}

}  // namespace tocsin::sim
