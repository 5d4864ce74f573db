#include "bench/copies.hpp"

#include "bench/city.hpp"
#include "bench/differences.hpp"
#include "bench/pen.hpp"
#include "runtime/ledger/public_event.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

namespace tocsin::bench {

using ledger::v1::Decision;
using runtime::Time;

// What lies in the commands topics: nobody reads before a recorded position.
static constexpr const char* command = "x";

namespace {

int partition() { return runtime::partition_of(realm, Stage::partitions); }

// One decision of the specimen, and how a copy of it is made.
struct Original {
    std::size_t part = 0;
    bool copied = false;  // it belongs to the message; otherwise it was there before
    Decision decision;    // without its events
    std::vector<Pattern> events;
    std::optional<Pattern> subject;
};

class Copier {
public:
    Copier(const Stage& stage, const Specimen& specimen)
        : specimen_(specimen), keys_({stage.mac_key()}), pen_(stage) {
        std::vector<std::vector<Decision>> decisions;
        std::set<std::int64_t> seconds;
        for (const Specimen::Part& part : specimen.parts) {
            const std::string topic = runtime::ledger_topic("live", part.service);
            ledgers_[topic] = states_.size();
            states_.push_back({.topic = topic,
                               .seal = {keys_, topic, runtime::RecordKind::decision},
                               .head = runtime::genesis_digest(topic, partition())});
            decisions.push_back(parse(part, states_.back(), seconds));
        }
        differences_.emplace(specimen, seconds);
        order(std::move(decisions));
    }

    void write_before(std::chrono::seconds age) {
        for (std::size_t i = 0; i < states_.size(); ++i)
            put_commands(i, specimen_.parts[i].commands_before);
        for (const Original& original : originals_)
            if (!original.copied) write(original, 0, 0, age, {});
    }

    void write_copy(std::int64_t number, std::chrono::seconds age) {
        for (std::size_t i = 0; i < states_.size(); ++i)
            put_commands(i, specimen_.parts[i].commands - specimen_.parts[i].commands_before);
        const std::vector<std::string> values = differences_->copy(number, age);
        for (const Original& original : originals_)
            if (original.copied) write(original, number, number - 1, age, values);
    }

    void finish() {
        for (std::size_t i = 0; i < states_.size(); ++i) {
            if (!states_[i].last) continue;
            const auto& [decision, digest, offset, before] = *states_[i].last;
            const auto records =
                runtime::public_records({"live", specimen_.parts[i].service, partition()},
                                        {decision, digest, offset}, before);
            for (const runtime::PublicRecord& event : records.value())
                pen_.append(runtime::events_topic("live"), partition(), event.key, event.value,
                            event.headers);
        }
        pen_.finish();
    }

private:
    struct Told {
        Decision decision;
        std::string digest;
        std::int64_t offset = 0;
        runtime::Exported before;
    };
    // Where the new ledger of a part stands.
    struct State {
        std::string topic;
        runtime::Seal seal;
        std::string head;
        Time decided_at{};
        std::vector<std::string> digests{};  // of what the specimen's own records became last
        std::int64_t next = 0;
        std::optional<Told> last{};  // decision with events
    };

    static std::vector<Decision> parse(const Specimen::Part& part, const State& state,
                                       std::set<std::int64_t>& seconds) {
        std::vector<Decision> decisions;
        std::string head = state.head;
        for (const std::string& record : part.records) {
            const auto body = state.seal.open(record);
            Decision decision;
            if (!body || !decision.ParseFromArray(body->data(), static_cast<int>(body->size())) ||
                decision.previous_digest() != head)
                throw std::runtime_error("a record of " + part.service + " does not count");
            head = runtime::sha256(record);
            if (decisions.size() >= part.records_before)
                for (const std::string& event : decision.accepted().events())
                    collect_times(part.service, event, seconds);
            decisions.push_back(std::move(decision));
        }
        return decisions;
    }

    // A decision comes after the one of another ledger that it answers.
    void order(std::vector<std::vector<Decision>> decisions) {
        std::vector<std::size_t> done(decisions.size(), 0);
        bool any = true;
        while (std::exchange(any, false))
            for (std::size_t i = 0; i < decisions.size(); ++i)
                while (done[i] < decisions[i].size() && may_follow(decisions[i][done[i]], done)) {
                    add(i, done[i] >= specimen_.parts[i].records_before, decisions[i][done[i]]);
                    ++done[i];
                    any = true;
                }
        for (std::size_t i = 0; i < decisions.size(); ++i)
            if (done[i] < decisions[i].size())
                throw std::runtime_error("decisions of the specimen answer each other in a circle");
    }

    bool may_follow(const Decision& decision, const std::vector<std::size_t>& done) const {
        const auto found = ledgers_.find(decision.cause().topic());
        return found == ledgers_.end() ||
               static_cast<std::size_t>(decision.cause().offset()) < done[found->second];
    }

    void add(std::size_t part, bool copied, Decision& decision) {
        const Needles none;
        const Needles& needles = copied ? differences_->needles() : none;
        Original original{part, copied, {}, {}, std::nullopt};
        for (const std::string& event : decision.accepted().events())
            original.events.emplace_back(event, needles);
        if (decision.has_accepted()) {
            original.subject.emplace(decision.accepted().subject(), needles);
            decision.mutable_accepted()->clear_events();
        }
        original.decision = std::move(decision);
        originals_.push_back(std::move(original));
    }

    void put_commands(std::size_t part, std::int64_t count) {
        const std::string topic = runtime::commands_topic("live", specimen_.parts[part].service);
        for (std::int64_t i = 0; i < count; ++i) pen_.append(topic, partition(), realm, command);
    }

    // How much further the copies before have moved an offset of this topic.
    std::int64_t moved(const std::string& topic, std::int64_t copies) const {
        for (const Specimen::Part& part : specimen_.parts) {
            if (topic == runtime::ledger_topic("live", part.service))
                return copies *
                       static_cast<std::int64_t>(part.records.size() - part.records_before);
            if (topic == runtime::commands_topic("live", part.service))
                return copies * (part.commands - part.commands_before);
        }
        return 0;
    }

    void answer(ledger::v1::Cause& cause, std::int64_t number, std::int64_t copies) const {
        const auto upstream = ledgers_.find(cause.topic());
        cause.set_record_digest(
            upstream == ledgers_.end()
                ? command_digest_
                : states_[upstream->second].digests.at(static_cast<std::size_t>(cause.offset())));
        cause.set_offset(cause.offset() + moved(cause.topic(), copies));
        if (!cause.request_id().empty() && number > 0)
            cause.set_request_id(numbered(cause.request_id(), number));
    }

    void write(const Original& original, std::int64_t number, std::int64_t copies,
               std::chrono::seconds age, const std::vector<std::string>& values) {
        State& state = states_[original.part];
        Decision decision = original.decision;
        decision.set_previous_digest(state.head);
        state.decided_at =
            std::max(state.decided_at, runtime::from_proto(decision.decided_at()) - age);
        *decision.mutable_decided_at() = runtime::to_proto(state.decided_at);
        if (decision.has_cause()) {
            ledger::v1::Cause& cause = *decision.mutable_cause();
            answer(cause, number, copies);
            if (cause.has_expires_at())
                *cause.mutable_expires_at() =
                    runtime::to_proto(runtime::from_proto(cause.expires_at()) - age);
        }
        if (decision.has_inputs_passed())
            for (auto& input : *decision.mutable_inputs_passed()->mutable_inputs()) {
                input.set_record_digest(command_digest_);
                if (original.copied)
                    input.set_next_offset(input.next_offset() + moved(input.topic(), copies));
            }
        for (const Pattern& event : original.events)
            decision.mutable_accepted()->add_events(event.copy(values));
        if (original.subject)
            decision.mutable_accepted()->set_subject(original.subject->copy(values));
        const std::string record = state.seal.close(decision.SerializeAsString(), keys_.newest());
        pen_.append(state.topic, partition(), decision.realm(), record);
        keep(original, state, std::move(decision), runtime::sha256(record));
    }

    void keep(const Original& original, State& state, Decision decision, std::string digest) {
        const Specimen::Part& part = specimen_.parts[original.part];
        const std::string before = std::exchange(state.head, digest);
        const std::int64_t offset = state.next++;
        // The first copy takes the place of the message itself, the others follow.
        if (original.copied && state.digests.size() == part.records.size())
            state.digests.resize(part.records_before);
        state.digests.push_back(digest);
        if (!original.events.empty())
            state.last = Told{std::move(decision), std::move(digest), offset, {offset - 1, before}};
    }

    const Specimen& specimen_;
    runtime::WorldKeys keys_;
    Pen pen_;
    std::map<std::string, std::size_t> ledgers_;  // part by topic
    std::vector<State> states_;
    std::optional<Differences> differences_;
    std::vector<Original> originals_;
    std::string command_digest_ = runtime::sha256(command);
};

}  // namespace

void write_copies(const Stage& stage, const Specimen& specimen, std::int64_t count,
                  std::chrono::seconds spacing) {
    for (const Specimen::Part& part : specimen.parts)
        stage.create_topics("live", part.service,
                            part.service == "trigger" ? std::vector<std::string>{"readings"}
                                                      : std::vector<std::string>{});
    Copier copier(stage, specimen);
    copier.write_before(count * spacing);
    for (std::int64_t number = 1; number <= count; ++number)
        copier.write_copy(number, (count - number) * spacing);
    copier.finish();
}

std::string copied_message_id(const Specimen& specimen, std::int64_t number) {
    return numbered(specimen.message_id, number);
}

}  // namespace tocsin::bench
