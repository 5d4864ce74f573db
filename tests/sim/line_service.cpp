#include "sim/line_service.hpp"

#include "runtime/record.hpp"
#include "runtime/topics.hpp"
#include "sim/line_world.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>

namespace tocsin::sim {

using runtime::InputSpec;

static constexpr std::size_t line_record_bytes_max = 900'000;
// A process with more than this to send turns callers away, as the real one does.
static constexpr std::size_t calls_max = 30;

// By the name that an event has in every service.
static std::function<std::string(const std::string&)> canonical_of(const std::string& service) {
    namespace pb = google::protobuf;
    const auto* type = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(
        fmt::format("tocsin.{}.v1.Event", service));
    const pb::Message* blank = pb::MessageFactory::generated_factory()->GetPrototype(type);
    return [blank](const std::string& bytes) {
        const std::unique_ptr<pb::Message> event(blank->New());
        if (!event->ParseFromString(bytes)) return bytes;
        std::string text;
        pb::io::StringOutputStream stream(&text);
        pb::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        event->SerializeToCodedStream(&coded);
        coded.Trim();
        return text;
    };
}

LineService::LineService(LineWorld& world, runtime::ServiceDefinition definition)
    : world_(world), definition_(std::move(definition)) {
    ledger_.name = runtime::ledger_topic("live", name());
    commands_.name = runtime::commands_topic("live", name());
}

// The inputs and their order are those of runtime/ledger_process.cpp.
void LineService::connect(int processes) {
    OracleLogs logs{
        ledger_, commands_, {}, {}, dead_letters_, line_record_bytes_max, canonical_of(name())};
    const auto add = [&](InputSpec::Kind kind, Topic& topic, const std::string& service) {
        specs_.push_back({kind, topic.name, service});
        inputs_.push_back(&topic);
    };
    for (const std::string& upstream : definition_.upstreams) {
        Topic& theirs = world_.of(upstream).ledger_;
        add(InputSpec::Kind::ledger, theirs, upstream);
        logs.upstreams.push_back({theirs, upstream});
    }
    if (!definition_.streams.empty()) {
        stream_.name = runtime::stream_topic("live", name(), definition_.streams.front());
        add(InputSpec::Kind::stream, stream_, name());
        logs.streams.push_back({stream_, name()});
    }
    add(InputSpec::Kind::commands, commands_, name());
    oracle_ = std::make_unique<Oracle>(std::move(logs), definition_.rules(), keys());
    for (int i = 0; i < processes; ++i) {
        ProcessPlan plan{name(), specs_, line_record_bytes_max, definition_.rules};
        processes_.push_back(
            std::make_unique<Process>(*this, std::move(plan), std::string(1, char('a' + i))));
    }
}

void LineService::start(Process& process) {
    process.start();
    if (world_.clocks_agree()) process.set_clock(std::chrono::seconds(0));
}

void LineService::start(bool all) {
    for (std::size_t i = 0; i < processes_.size(); ++i)
        if (all || i == 0) start(*processes_[i]);
}

Process& LineService::any() {
    return *processes_[static_cast<std::size_t>(below(static_cast<int>(processes_.size())))];
}

void LineService::faults() {
    const double more = storm() ? 3 : 1;
    Process& one = any();
    if (!one.alive() && chance(.02)) start(one);
    if (chance(.003 * more)) one.crash();
    if (one.alive() && chance(.004 * more)) one.freeze(80);
    if (one.alive() && chance(.004 * more)) one.broker_trouble();
    if (!limbo_.empty() && chance(.01)) {
        const auto which = below(static_cast<int>(limbo_.size()));
        const Parcel parcel = limbo_[static_cast<std::size_t>(which)];
        limbo_.erase(limbo_.begin() + which);
        land(parcel);
    }
    if (!world_.clocks_agree() && chance(.002)) {
        static constexpr int steps[] = {-600, -60, 60, 600};
        one.set_clock(std::chrono::seconds(steps[below(4)]));
    }
}

void LineService::step() {
    for (auto& process : processes_) {
        process->step();
        for (int i = 0; process->alive() && i < (calm() ? 4 : 1); ++i) process->deliver();
    }
}

// --- callers ---

void LineService::ask(Request request) { retry(requests_.add(std::move(request))); }

void LineService::retry(Request& request) {
    Process& one = any();
    if (!one.alive() || one.frozen() || one.waiting_to_leave() > calls_max) return;
    one.submit(request.name(), commands_, request.value);
    request.retry_at = tick() + 40;
}

void LineService::retries() {
    if (!calm() && !requests_.empty() && chance(.05)) {
        const int count = requests_.size();
        retry(requests_.at(count - 1 - below(std::min(count, chance(.8) ? 8 : count))));
    }
    for (auto& [name, request] : requests_.all())
        if (!request.answer && request.retry_at <= tick() && (calm() || chance(.02)))
            retry(request);
}

void LineService::spoil(const std::string& value) { commands_.records.push_back({value, now()}); }

runtime::Seal LineService::commands_seal() const {
    return {world_.keys(), commands_.name, runtime::RecordKind::command};
}

runtime::Seal LineService::stream_seal() const {
    return {world_.keys(), stream_.name, runtime::RecordKind::reading};
}

void LineService::put_reading(const std::string& value) {
    stream_.records.push_back({value, now()});
}

void LineService::cut_tail() {
    if (oracle_->chain().size() <= 5) return;
    const auto first = static_cast<std::size_t>(oracle_->chain().front().first) + 1;
    const auto keep =
        std::max(first, ledger_.records.size() - static_cast<std::size_t>(1 + below(6)));
    if (keep >= ledger_.records.size()) return;
    history_lost_ = true;
    const auto kept = std::exchange(ledger_.records, {});
    oracle_->start_over();
    world_.starts_over(*this);
    for (std::size_t i = 0; i < keep; ++i) land({&ledger_, kept[i].value, {}});
    for (auto& process : processes_)
        if (process->alive() && chance(.3)) process->broker_trouble();
}

// --- the end ---

void LineService::calm_down(bool all) {
    const int lone = below(static_cast<int>(processes_.size()));
    for (int i = 0; i < static_cast<int>(processes_.size()); ++i) {
        Process& process = *processes_[static_cast<std::size_t>(i)];
        process.freeze(0);
        if (!all && i != lone)
            process.crash();
        else if (!process.alive())
            start(process);
        process.set_clock(std::chrono::seconds(0));
    }
    for (const Parcel& parcel : std::exchange(limbo_, {})) land(parcel);
    // A tail is lost with a change of leader, of which every process hears in the end.
    if (history_lost_)
        for (auto& process : processes_)
            if (process->alive()) process->broker_trouble();
}

bool LineService::settled_down() {
    for (auto& process : processes_)
        if (process->alive() && !process->at_rest()) return false;
    return requests_.all_answered() && oracle_->all_considered();
}

void LineService::check_end() {
    for (auto& process : processes_) {
        if (!process->alive()) continue;
        process->check_fold();
        check_state(process->partition().fold().rules());
    }
    if (!history_lost_) requests_.check(*oracle_);
    const auto decisions = static_cast<std::int64_t>(oracle_->chain().size());
    const std::int64_t voids = oracle_->void_records();
    world_.totals().decisions += decisions;
    world_.totals().void_records += voids;
    for (auto& process : processes_) process->crash();
    if (voids >= 3 * decisions + 60)
        throw Violation(
            fmt::format("{}: {} void records for {} decisions", name(), voids, decisions));
}

// Two folds are one if they say the same of everything that was ever asked and heard.
void LineService::check_state(const runtime::Rules& rules) {
    const runtime::Rules& right = oracle_->rules();
    const auto differ = [&](const std::string& what) {
        throw Violation(fmt::format("{}: folds differ in what they say of {}", name(), what));
    };
    const auto mine = rules.next_due(line_realm), theirs = right.next_due(line_realm);
    if (mine.has_value() != theirs.has_value() ||
        (mine && (mine->at != theirs->at || mine->body != theirs->body)))
        differ("what is due");
    for (const std::string& command : world_.probes(name()))
        if (probe(rules, command) != probe(right, command)) differ("a probe");
    for (const Topic* topic : inputs_) {
        const runtime::Seal seal =
            topic == &commands_ ? commands_seal()
            : topic == &stream_ ? stream_seal()
                                : runtime::Seal(keys(), topic->name, runtime::RecordKind::decision);
        for (std::int64_t at = topic->low; at < topic->end(); ++at) {
            const auto body = seal.open(topic->at(at).value);
            if (!body) continue;
            if (topic == &commands_ && probe(rules, *body) != probe(right, *body))
                differ(fmt::format("{} {}", topic->name, at));
            if (topic == &commands_ || topic == &stream_) continue;
            const auto foreign = oracle_->upstream_decision(topic->name, at);
            if (!foreign) continue;
            const auto one = rules.react(*foreign, now()), other = right.react(*foreign, now());
            if (one.has_value() != other.has_value() ||
                (one && oracle_->logs().text_of(*one) != oracle_->logs().text_of(*other)))
                differ(fmt::format("{} {}", topic->name, at));
        }
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
        return decided ? oracle_->logs().text_of(*decided)
                       : decided.error().code + decided.error().text;
    } catch (const std::exception& error) {
        return error.what();
    }
}

// --- surroundings ---

std::mt19937_64& LineService::random() { return world_.random(); }
std::int64_t LineService::tick() const { return world_.tick(); }
Time LineService::now() const { return world_.now(); }
bool LineService::calm() const { return world_.calm(); }
bool LineService::storm() const { return world_.storm(); }
const runtime::WorldKeys& LineService::keys() const { return world_.keys(); }

std::int64_t LineService::land(const Parcel& parcel) {
    parcel.to->records.push_back({parcel.value, now()});
    if (parcel.to == &ledger_) {
        const std::size_t before = oracle_->chain().size();
        oracle_->appended();
        if (oracle_->chain().size() > before) {
            const auto body = runtime::Seal(keys(), ledger_.name, runtime::RecordKind::decision)
                                  .open(parcel.value);
            ledger::v1::Decision decision;
            decision.ParseFromArray(body->data(), static_cast<int>(body->size()));
            world_.counted(*this, decision);
        }
    }
    return parcel.to->end() - 1;
}

void LineService::keep_dead_letter(int input, std::int64_t offset) {
    if (dead_letters_.insert({topic(input).name, offset}).second) ++world_.totals().dead_letters;
}

void LineService::answer(const std::string& request, const runtime::Remembered& given) {
    ++world_.totals().answers;
    requests_.told(request, given, *oracle_, history_lost_);
}

void LineService::count_end(const runtime::Partition::Counters& counters) {
    world_.totals().folds += counters.folds_again + 1;
    world_.totals().takeovers += counters.takeovers;
}

}  // namespace tocsin::sim
