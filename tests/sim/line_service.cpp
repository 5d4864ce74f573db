#include "sim/line_service.hpp"

#include "runtime/base/record_limits.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/topics.hpp"
#include "sim/canonical.hpp"
#include "sim/line_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::sim {

using runtime::RecordKind;
using std::chrono::seconds;

LineService::LineService(LineWorld& world, runtime::ServiceDefinition definition)
    : world_(world), definition_(std::move(definition)) {
    plan_ = {{name(), definition_.upstreams, definition_.followed, definition_.streams},
             [this] { return rules(); }};
    // Every service confirms roles by approval's ledger (runtime/process.cpp).
    auto& ledger = plan_.ledger;
    const auto has = [](const auto& list) {
        return std::ranges::find(list, "approval") != list.end();
    };
    if (name() != "approval" && !has(ledger.upstreams) && !has(ledger.followed))
        ledger.followed.emplace_back("approval");
    if (!definition_.streams.empty())
        stream_ = runtime::stream_topic("live", name(), definition_.streams.front());
    if (name() == "trigger") plan_.rules = [this] { return world_.readings().watched(rules()); };
}

std::unique_ptr<runtime::Rules> LineService::rules() const {
    return definition_.rules(runtime::RuntimeConfig{});
}

std::size_t LineService::home() const {
    return static_cast<std::size_t>(
        runtime::partition_of(line_realm, static_cast<int>(oracles_.size())));
}

Topic LineService::topic(const std::string& topic_name) const {
    return {world_.kafka(), topic_name, static_cast<int>(home())};
}

OracleLogs LineService::logs_of(int partition) {
    FakeKafka& kafka = world_.kafka();
    OracleLogs logs{{kafka, runtime::ledger_topic("live", name()), partition},
                    {kafka, runtime::commands_topic("live", name()), partition},
                    {},
                    {},
                    {},
                    runtime::decision_bytes_max,
                    static_cast<int>(config().kafka_partitions),
                    canonical_of(name())};
    const auto theirs = [&](const std::string& service) {
        return Topic{kafka, runtime::ledger_topic("live", service), partition};
    };
    for (const std::string& service : plan_.ledger.upstreams)
        logs.upstreams.push_back({theirs(service), service});
    for (const std::string& service : plan_.ledger.followed)
        logs.followed.push_back(theirs(service));
    if (!stream_.empty()) logs.streams.push_back({{kafka, stream_, partition}, name()});
    return logs;
}

void LineService::connect(int processes) {
    for (int i = 0; i < config().kafka_partitions; ++i)
        oracles_.push_back(std::make_unique<Oracle>(logs_of(i), rules(), instance_keys()));
    for (int i = 0; i < processes; ++i)
        processes_.push_back(world_.make_process(*this, plan_, std::string(1, char('a' + i))));
}

void LineService::start(Process& process) {
    process.start();
    if (world_.clocks_agree()) return process.set_clock({});
    // Executors and those who resolve after them go by their clocks, and so does the age of a
    // reading.
    if (name() == "publishing" || name() == "trigger")
        process.set_clock(milliseconds(below(4'001) - 2'000));
}

void LineService::start(bool all) {
    for (std::size_t i = 0; i < processes_.size(); ++i)
        if (all || i == 0) start(*processes_[i]);
}

Process& LineService::any() {
    return *processes_[static_cast<std::size_t>(below(static_cast<int>(processes_.size())))];
}

Process* LineService::any_ready() {
    Process& one = any();
    return one.ready() && !one.frozen() ? &one : nullptr;
}

void LineService::faults() {
    const double more = world_.storm() ? 3 : 1;
    Process& one = any();
    if (!one.alive() && chance(.02)) start(one);
    if (chance(.003 * more)) one.crash();
    if (one.alive() && chance(.004 * more)) one.freeze(seconds(1 + below(40)));
    if (one.alive() && chance(.004 * more)) one.broker_trouble();
    if (!world_.clocks_agree() && chance(.002)) {
        static constexpr int off[] = {-600, -60, 60, 600};
        one.set_clock(seconds(off[below(4)]));
    }
}

std::optional<ledger::v1::Decision> LineService::landed(const FakeKafka::Place& place,
                                                        std::int64_t offset) {
    Oracle& there = oracle(place.second);
    if (!there.logs().ledger.is(place)) return std::nullopt;
    return there.appended(offset);
}

void LineService::letter_kept(int partition, const std::string& topic_name, std::int64_t offset) {
    ++world_.totals().dead_letters;
    oracle(partition).letter_kept(topic_name, offset);
}

bool LineService::opened() const { return watched().opened(); }

// --- callers ---

void LineService::ask(runtime::Submission submission) {
    retry(requests_.add({std::move(submission), static_cast<int>(home())}));
}

void LineService::retry(Request& request) {
    Process* one = any_ready();
    if (one == nullptr) return;
    request.retry_at = tick() + seconds(10);
    one->submit(request.submission, seconds(1 + below(8)),
                [this, name = request.name()](const auto& answer) { heard(name, answer); });
}

// Who was answered may read with the token of it, there and where the service is followed.
void LineService::heard(const std::string& request, const runtime::Answer& answer) {
    if (answer.kind == runtime::Answer::Kind::unavailable) return;
    ++world_.totals().answers;
    try {
        requests_.told(request, answer, watched(), history_lost_);
    } catch (const Violation& violation) {
        broken(fmt::format("{}: {}", name(), violation.what()));
    }
    if (chance(.3)) world_.read_with(answer.position);
}

void LineService::retries() {
    if (!world_.calm() && !requests_.empty() && chance(.05)) {
        const int count = requests_.size();
        retry(requests_.at(count - 1 - below(std::min(count, chance(.8) ? 8 : count))));
    }
    for (auto& [name, request] : requests_.all())
        if (!request.answer && request.retry_at <= tick() && (world_.calm() || chance(.05)))
            retry(request);
}

void LineService::spoil(const std::string& value) {
    topic(runtime::commands_topic("live", name())).put(value);
}

runtime::Seal LineService::commands_seal() const {
    return {world_.keys(), runtime::commands_topic("live", name()), RecordKind::command};
}

runtime::Seal LineService::stream_seal() const {
    return {world_.keys(), stream_, RecordKind::reading};
}

std::int64_t LineService::put_reading(const std::string& value) {
    return topic(stream_).put(value);
}

void LineService::cut_tail() {
    Oracle& there = *oracles_[home()];
    if (there.chain().size() <= 5) return;
    Topic log = topic(runtime::ledger_topic("live", name()));
    const std::int64_t keep = std::max(there.chain().front().offset + 1, log.size() - 1 - below(6));
    if (keep >= log.size()) return;
    history_lost_ = true;
    log.lose_tail(log.size() - keep);
    there.start_over();
    world_.starts_over(*this);
    for (std::int64_t at = log.low(); at < log.end(); ++at)
        if (const auto decision = there.appended(at)) world_.counted(*this, *decision);
    for (auto& process : processes_)
        if (process->alive() && chance(.3)) process->broker_trouble();
}

// --- the end ---

void LineService::calm_down(bool all) {
    const int lone = below(static_cast<int>(processes_.size()));
    for (int i = 0; i < static_cast<int>(processes_.size()); ++i) {
        Process& process = *processes_[static_cast<std::size_t>(i)];
        process.freeze({});
        if (!all && i != lone)
            process.crash();
        else if (!process.alive())
            start(process);
        process.set_clock({});
    }
    // A tail is lost with a change of leader, of which every process hears in the end.
    if (history_lost_)
        for (auto& process : processes_)
            if (process->alive()) process->broker_trouble();
}

bool LineService::settled_down() { return why_not_settled().empty(); }

std::string LineService::why_not_settled() {
    for (auto& process : processes_)
        if (process->alive() && !process->at_rest()) return "a process is busy";
    if (!requests_.all_answered()) return "a caller waits";
    for (auto& oracle : oracles_)
        if (!oracle->all_considered()) return "an input was not considered";
    return {};
}

void LineService::check_end() {
    for (auto& process : processes_) {
        if (!process->alive()) continue;
        process->check_folds();
        check_state(*process);
    }
    if (!history_lost_) requests_.check(watched(), static_cast<int>(home()));
    std::int64_t decisions = 0, voids = 0, expired = 0;
    for (auto& oracle : oracles_) {
        decisions += static_cast<std::int64_t>(oracle->chain().size());
        voids += oracle->void_records();
        expired += oracle->expired();
    }
    world_.totals().expired += expired;
    world_.totals().decisions += decisions;
    world_.totals().void_records += voids;
    for (auto& process : processes_) process->crash();
    if (voids > decisions + 40)
        throw Violation(
            fmt::format("{}: {} void records for {} decisions", name(), voids, decisions));
    if (expired > decisions / 5 + 10)
        throw Violation(
            fmt::format("{}: {} expired answers for {} decisions", name(), expired, decisions));
    if (folds_ > decisions / 4 + 20)
        throw Violation(fmt::format("{}: {} folds for {} decisions", name(), folds_, decisions));
}

void LineService::differ(const std::string& what) const {
    throw Violation(fmt::format("{}: folds differ in what they say of {}", name(), what));
}

// Two folds are one if they say the same of everything that was ever asked and heard.
void LineService::check_state(const Process& process) {
    const runtime::Rules& rules = process.partition(static_cast<int>(home())).fold().rules();
    const runtime::Rules& right = watched().rules();
    const auto mine = rules.next_due(line_realm), theirs = right.next_due(line_realm);
    if (mine.has_value() != theirs.has_value() ||
        (mine && (mine->at != theirs->at || mine->body != theirs->body)))
        differ("what is due");
    for (const std::string& command : world_.probes(name()))
        if (probe(rules, command) != probe(right, command)) differ("a probe");
    const OracleLogs& logs = watched().logs();
    check_topic(rules, logs.commands);
    for (const auto& upstream : logs.upstreams) check_topic(rules, upstream.topic);
}

void LineService::check_topic(const runtime::Rules& rules, const Topic& log) {
    Oracle& there = *oracles_[home()];
    const runtime::Rules& right = there.rules();
    const bool commands = log.name == there.logs().commands.name;
    const runtime::Seal seal(world_.keys(), log.name,
                             commands ? RecordKind::command : RecordKind::decision);
    for (std::int64_t at = log.low(); at < log.end(); ++at) {
        const auto body = seal.open(log.at(at).value);
        if (!body) continue;
        if (commands) {
            if (probe(rules, *body) != probe(right, *body))
                differ(fmt::format("{} {}", log.name, at));
            continue;
        }
        const auto foreign = there.upstream_decision(log.name, at);
        if (!foreign) continue;
        const auto one = rules.react(*foreign, now()), other = right.react(*foreign, now());
        if (one.has_value() != other.has_value() ||
            (one && there.logs().text_of(*one) != there.logs().text_of(*other)))
            differ(fmt::format("{} {}", log.name, at));
    }
}

std::string LineService::probe(const runtime::Rules& rules, std::string_view bytes) const {
    ledger::v1::CommandRecord command;
    if (!command.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return "unreadable";
    try {
        const auto decided = rules.decide({command.realm(),
                                           command.actor(),
                                           command.agency(),
                                           {command.roles().begin(), command.roles().end()},
                                           command.request_id()},
                                          command.body(), now());
        return decided ? watched().logs().text_of(*decided)
                       : decided.error().code + decided.error().text;
    } catch (const std::exception& error) {
        return error.what();
    }
}

// --- surroundings ---

std::mt19937_64& LineService::random() { return world_.random(); }
const FakeClock& LineService::clock() const { return world_.clock(); }
FakeKafka& LineService::kafka() { return world_.kafka(); }
const runtime::RuntimeConfig& LineService::config() const { return world_.config(); }
const runtime::WorldKeys& LineService::instance_keys() const { return world_.keys(); }
runtime::Metrics& LineService::metrics() { return world_.metrics(); }
void LineService::broken(const std::string& what) { world_.broken(what); }

const Chain& LineService::chain_of(const std::string& service, int partition) {
    return world_.of(service).oracle(partition).chain();
}

void LineService::count_end(const runtime::Partition::Counters& counters) {
    folds_ += counters.folds_again;
    world_.totals().folds += counters.folds_again;
    world_.totals().takeovers += counters.takeovers;
}

}  // namespace tocsin::sim
