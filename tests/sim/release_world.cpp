#include "sim/release_world.hpp"

#include "content/content.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/record_limits.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/topics.hpp"
#include "sim/canonical.hpp"
#include "support/sample_clearance.hpp"
#include "support/sample_message.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using approval::samples::make_cleared;
using publishing::Release;
using runtime::to_proto;
using std::chrono::seconds;

static const std::string realm = "bow";
static constexpr int partitions = 2;
static constexpr int release_messages_max = 5;
static constexpr int release_step_ms_most = 40;
// Executors and those who resolve after them go by their clocks.
static constexpr int clocks_off_ms_most = 2'000;

static const std::map<std::string, std::string>& kinds() {
    static const std::map<std::string, std::string> all{
        {"feed", "feed"}, {"hook", "webhook"}, {"toot", "mastodon"}};
    return all;
}

// What every message is approved for, whatever the channels are by then.
static content::Publisher publisher() {
    content::Publisher calgary = content::samples::make_publisher("calgary");
    for (const auto& [id, kind] : kinds()) {
        content::Destination& destination = *calgary.add_destinations();
        destination.set_channel_id(id);
        destination.set_kind(kind);
        if (kind == "feed") continue;
        destination.set_url(fmt::format("https://{}.example.org", id));
        destination.set_account(id);
    }
    return calgary;
}

namespace {

// What a message may do without, and how long it is good for.
struct With {
    bool retraction = true;
    bool feed = true;
    std::chrono::seconds lifetime = std::chrono::hours{2};
    int wait_seconds = 0;
    int quorum_percent = 0;
    bool urgent = true;
    // What it updates.
    std::vector<content::Reference> references{};
};

content::Content content_of(int number, Time now, With with) {
    content::Content content =
        content::samples::make_content({.message_id = fmt::format("msg-{}", number),
                                        .realm = realm,
                                        .agencies = {"calgary"},
                                        .languages = {"en-CA"},
                                        .expires = now + with.lifetime});
    content::Draft& draft = *content.mutable_draft();
    // An account that shows the very same words for two releases could not be told apart.
    draft.mutable_texts(0)->set_headline(fmt::format("Flood {} of the Bow", number));
    draft.mutable_retraction(0)->set_headline(fmt::format("Alert {} withdrawn", number));
    // No two messages, and no two retractions, say the same.
    for (auto* texts : {draft.mutable_texts(), draft.mutable_retraction()})
        for (content::Text& text : *texts)
            text.set_headline(fmt::format("{} ({})", text.headline(), number));
    if (!with.retraction) draft.clear_retraction();
    if (!with.urgent) draft.set_severity(content::v1::SEVERITY_MODERATE);
    draft.mutable_stragglers()->set_wait_seconds(with.wait_seconds);
    draft.mutable_stragglers()->set_quorum_percent(with.quorum_percent);
    if (!with.references.empty()) content.set_message_type(content::v1::MESSAGE_TYPE_UPDATE);
    content.mutable_references()->Assign(with.references.begin(), with.references.end());
    *content.add_publishers() = publisher();
    if (with.feed) return content;
    for (const char* channel : {"hook", "toot"}) draft.add_channels(channel);
    content.mutable_publishers(0)->mutable_destinations()->DeleteSubrange(0, 1);
    return content;
}

}  // namespace

ReleaseWorld::ReleaseWorld(std::uint64_t seed, int steps)
    : random_(seed),
      steps_(steps * 3),
      kafka_(clock_, random_()),
      approval_(kafka_, runtime::ledger_topic("live", "approval"),
                runtime::partition_of(realm, partitions)),
      approval_head_(runtime::genesis_digest(approval_.name, approval_.number)) {
    channels_.spoilt_ways = PublicChannels::refuses + 1;
    config_.kafka_partitions = partitions;
    config_.pipeline_max = 5;
    kafka_.faults = usual_faults(1);
    kafka_.faults.deadly = .001;
    kafka_.landed = [this](const auto& place, std::int64_t offset) { landed(place, offset); };
    const runtime::RulesOf<publishing::Decider> rules;
    for (int i = 0; i < partitions; ++i)
        oracles_.push_back(std::make_unique<Oracle>(
            OracleLogs{{kafka_, runtime::ledger_topic("live", "publishing"), i},
                       {kafka_, runtime::commands_topic("live", "publishing"), i},
                       {{{kafka_, approval_.name, i}, "approval"}},
                       {},
                       {},
                       runtime::decision_bytes_max,
                       partitions,
                       canonical_of("publishing")},
            rules.fresh(), keys_));
    const ProcessPlan plan{{"publishing", {"approval"}, {}, {}}, [] {
                               return std::make_unique<runtime::RulesOf<publishing::Decider>>();
                           }};
    for (const char* name : {"a", "b", "c"}) {
        processes_.push_back(std::make_unique<PublishingProcess>(*this, network_, plan, name));
        timeline_.add(*processes_.back());
    }
    timeline_.add(network_);
    network_.fault_of = [this](const auto& who, const auto& request) {
        return promises_.fault_of(who, request, now());
    };
}

const publishing::State& ReleaseWorld::state() {
    const auto& rules = oracle(approval_.number).rules();
    return static_cast<const runtime::RulesOf<publishing::Decider>&>(rules).state(realm);
}

void ReleaseWorld::landed(const FakeKafka::Place& place, std::int64_t offset) {
    Oracle& there = oracle(place.second);
    if (place.first == runtime::dead_letters_topic("live")) throw Violation("a dead letter");
    if (!there.logs().ledger.is(place)) return;
    if (const auto decision = there.appended(offset)) promises_.counted(*decision);
}

void ReleaseWorld::start(PublishingProcess& process) {
    process.start();
    process.set_clock(milliseconds(below(2 * clocks_off_ms_most + 1) - clocks_off_ms_most));
}

void ReleaseWorld::run() {
    start(*processes_[0]);
    start(*processes_[1]);
    put_channels();
    for (int i = 0; i < steps_; ++i) {
        faults();
        people();
        step(release_step_ms_most);
    }
    calm_down();
    check_end();
}

void ReleaseWorld::step(int ms_most) {
    ++totals_.ticks;
    ask_again();
    timeline_.run(milliseconds(1 + below(ms_most)));
    breaches_.raise();
    promises_.check_stoppable(now(), "calgary");
}

void ReleaseWorld::faults() {
    if (chance(.001)) channels_.forget_keys();
    if (chance(channels_.suspended() ? .01 : .004)) channels_.suspend(!channels_.suspended());
    PublishingProcess& one = any();
    if (!one.alive()) {
        if (chance(.02)) start(one);
        return;
    }
    if (chance(.004)) return one.crash();
    if (chance(.004)) one.freeze(milliseconds(chance(.3) ? 18'000 : 1'200));
    if (chance(.004)) one.broker_trouble();
    if (chance(.002)) one.set_clock(milliseconds(below(6'001) - 3'000));
}

PublishingProcess& ReleaseWorld::any() {
    return *processes_[static_cast<std::size_t>(below(static_cast<int>(processes_.size())))];
}

PublishingProcess* ReleaseWorld::any_ready() {
    PublishingProcess& one = any();
    return one.ready() && !one.frozen() ? &one : nullptr;
}

// --- what comes from elsewhere ---

void ReleaseWorld::put_channels() {
    for (const auto& [id, kind] : kinds()) put_channel(id, {}, {});
}

void ReleaseWorld::put_channel(const std::string& id, const std::string& url_more,
                               const std::string& credential_more) {
    publishing::v1::Command command;
    auto& channel = *command.mutable_put_channel();
    channel.set_channel_id(id);
    channel.set_kind(kinds().at(id));
    // It is out of posts now and then.
    if (id == "toot") {
        channel.set_budget_posts(4);
        channel.set_budget_seconds(30);
        channel.set_budget_reserve(2);
    }
    if (id != "feed") {
        channel.set_url(fmt::format("https://{}{}.example.org", id, url_more));
        channel.set_credential(id + credential_more);
    }
    wish(fmt::format("wish-{}", requests_.size()), command, "ada", {"admin"});
}

// It is removed, leads elsewhere, posts as somebody else, or is put as it was approved.
void ReleaseWorld::change_channel() {
    const std::string id = chance(.5) ? "hook" : "toot";
    if (state().channels.by_id.at(id).channel.active() && chance(.3)) {
        publishing::v1::Command command;
        command.mutable_remove_channel()->set_channel_id(id);
        return wish(fmt::format("wish-{}", requests_.size()), command, "ada", {"admin"});
    }
    if (chance(.4)) return put_channel(id, {}, {});
    put_channel(id, chance(.5) ? "-2" : "", "-2");
}

// Without what is not ready, or without one that is named.
void ReleaseWorld::proceed(const std::string& release_id) {
    const auto found = state().releases.by_id.find(release_id);
    if (found == state().releases.by_id.end()) return;
    publishing::v1::Command command;
    auto& request = *command.mutable_proceed_release();
    request.set_release_id(release_id);
    request.set_reason("the river does not wait");
    for (const publishing::Delivery& delivery : found->second.deliveries)
        if (chance(.2)) request.add_delivery_ids(delivery.id());
    wish(fmt::format("wish-{}", requests_.size()), command, "dora", {"duty-officer"});
}

// On one channel, on the agency, or on everything. It ends by itself at the latest.
void ReleaseWorld::place_hold() {
    publishing::v1::Command command;
    auto& request = *command.mutable_place_hold();
    const int of = below(4);
    if (of == 0)
        request.set_everything(true);
    else if (of == 1)
        request.set_agency_id("calgary");
    else
        request.set_channel_id(chance(.3) ? "feed" : chance(.5) ? "hook" : "toot");
    request.set_reason("something is wrong with it");
    request.set_lasts_seconds(2 + below(40));
    wish(fmt::format("wish-{}", requests_.size()), command, "olga", {"approver"});
}

// Often by the very person who placed it.
void ReleaseWorld::lift_hold() {
    const auto& holds = state().holds.in_force;
    if (holds.empty()) return;
    publishing::v1::Command command;
    command.mutable_lift_hold()->set_hold_id(
        std::next(holds.begin(), below(static_cast<int>(holds.size())))->first);
    command.mutable_lift_hold()->set_reason("it is well");
    wish(fmt::format("wish-{}", requests_.size()), command, chance(.5) ? "olga" : "dora",
         {"approver"});
}

void ReleaseWorld::people() {
    if (state().channels.by_id.size() < 3) return;
    if (chance(.002)) place_hold();
    if (chance(.002)) lift_hold();
    if (messages_ < release_messages_max && chance(.01)) clear_message();
    if (chance(.002)) change_channel();
    if (chance(.004)) clear_again();
    if (releases_.empty() || !chance(.008)) return;
    const std::string& id =
        releases_[static_cast<std::size_t>(below(static_cast<int>(releases_.size())))];
    if (chance(.5)) return repair(id);
    if (chance(.4)) return proceed(id);
    publishing::v1::Command command;
    command.mutable_stop_release()->set_release_id(id);
    command.mutable_stop_release()->set_reason("wrong river");
    wish(fmt::format("wish-{}", requests_.size()), command, "olga", {"approver"});
}

// A duty officer who goes through the deliveries that failed, and looks at the accounts.
void ReleaseWorld::repair(const std::string& release_id) {
    const auto found = state().releases.by_id.find(release_id);
    if (found == state().releases.by_id.end()) return;
    for (const publishing::Delivery& delivery : found->second.deliveries) {
        publishing::v1::Command command;
        // With time enough people look before they repair; else they may be too hasty.
        const bool failed = delivery.is(publishing::v1::DELIVERY_STATE_REFUSED) ||
                            delivery.is(publishing::v1::DELIVERY_STATE_UNKNOWN);
        if (failed && (calm_ ? !delivery.may_come_late() : chance(.5))) {
            auto& retry = *command.mutable_retry_delivery();
            retry.set_release_id(release_id);
            retry.set_delivery_id(delivery.id());
            retry.set_reason("the account is back");
        } else if (delivery.may_come_late()) {
            const bool there = channels_.shown(delivery.head.idempotency_key()) > 0;
            auto& resolve = *command.mutable_resolve_delivery();
            resolve.set_release_id(release_id);
            resolve.set_delivery_id(delivery.id());
            *resolve.mutable_looked_at() = to_proto(now());
            resolve.set_found(there ? publishing::v1::FINDING_PRESENT
                                    : publishing::v1::FINDING_ABSENT);
            resolve.set_reason("I looked at the account");
        } else {
            continue;
        }
        wish(fmt::format("wish-{}", requests_.size()), command, "dora", {"duty-officer"});
    }
}

// The alert of a message that is in force, as drafting would have it; none where there is none.
std::vector<content::Reference> ReleaseWorld::something_in_force() {
    std::vector<content::Reference> all;
    for (const auto& [id, release] : state().releases.by_id) {
        if (!release.went_out || !release.head.superseded_by().empty()) continue;
        for (const publishing::Delivery& delivery : release.deliveries) {
            if (delivery.retracts() || delivery.head.attempts() == 0) continue;
            content::Reference& reference = all.emplace_back();
            reference.set_sender(delivery.fixed().sender());
            reference.set_identifier(delivery.fixed().identifier());
            reference.set_sent(delivery.fixed().sent());
            break;
        }
    }
    if (all.empty() || chance(.2)) return all;
    return {all[static_cast<std::size_t>(below(static_cast<int>(all.size())))]};
}

void ReleaseWorld::clear_message() {
    const With with{
        .retraction = !chance(.2),
        .feed = !chance(.3),
        // What is short-lived is given up while some answers are still on their way.
        .lifetime = chance(.3) ? seconds(15 + below(20)) : std::chrono::hours{2},
        .wait_seconds = chance(.3) ? 1 + below(60) : 0,
        .quorum_percent = chance(.2) ? 1 + below(100) : 0,
        .urgent = chance(.5),
        .references = chance(.6) ? something_in_force() : std::vector<content::Reference>{}};
    const std::string content = content::serialise(content_of(messages_++, now(), with));
    const std::string message = content::parse(content)->message_id();
    if (chance(.3)) clear_badly(content);
    const approval::v1::Event event = make_cleared(message, content, {"calgary"});
    const std::string& digest = event.cleared().digest();
    promises_.approved(digest);
    releases_.push_back(runtime::derive_id("rel", {message, digest, "1"}));
    upstream(event, keys_, true);
    if (chance(.3)) clear_badly(content);
}

// Of a message that came back from its release, because nothing of it was public: as it was, or in
// other words.
void ReleaseWorld::clear_again() {
    std::vector<const publishing::Release*> back;
    for (const auto& [id, release] : state().releases.by_id)
        if (promises_.is_returned(id)) back.push_back(&release);
    if (back.empty()) return;
    const publishing::Release& release =
        *back[static_cast<std::size_t>(below(static_cast<int>(back.size())))];
    const std::int64_t round = release.head.round() + 1;
    const std::string& message = release.head.message_id();
    if (!rounds_.emplace(message, round).second) return;
    With with{.lifetime = std::chrono::hours{2}};
    const std::string content =
        content::serialise(content_of(std::stoi(message.substr(4)), now(), with));
    const approval::v1::Event event = make_cleared(message, content, {"calgary"}, round);
    const std::string& digest = event.cleared().digest();
    promises_.approved(digest);
    releases_.push_back(runtime::derive_id("rel", {message, digest, std::to_string(round)}));
    upstream(event, keys_, true);
}

// Nobody approved this: another's seal, a void record, or other bytes than those that were hashed.
void ReleaseWorld::clear_badly(const std::string& content) {
    content::Content changed = *content::parse(content);
    changed.mutable_draft()->mutable_texts(0)->set_headline("All is well");
    const std::string bytes = content::serialise(changed);
    approval::v1::Event event = make_cleared(changed.message_id(), bytes, {"calgary"});
    const int kind = below(3);
    if (kind == 2) event.mutable_cleared()->set_digest(content::digest(content));
    upstream(event, kind == 0 ? other_keys_ : keys_, kind != 1);
}

void ReleaseWorld::upstream(const approval::v1::Event& event, const runtime::WorldKeys& keys,
                            bool counts) {
    ledger::v1::Decision decision;
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    decision.set_previous_digest(counts ? approval_head_
                                        : runtime::sha256(std::to_string(random_())));
    decision.set_writer("elsewhere");
    decision.set_realm(realm);
    *decision.mutable_decided_at() = to_proto(now());
    std::string record = runtime::Seal(keys, approval_.name, runtime::RecordKind::decision)
                             .close(decision.SerializeAsString(), keys.newest());
    if (counts && &keys == &keys_) approval_head_ = runtime::sha256(record);
    approval_.put(std::move(record));
}

void ReleaseWorld::wish(const std::string& request_id, const publishing::v1::Command& command,
                        const std::string& actor, std::vector<std::string> roles) {
    runtime::Submission submission;
    submission.asking = {realm, actor, "calgary", std::move(roles), request_id};
    submission.expires_at = now() + std::chrono::hours(1);
    submission.sent_at = now();
    submission.body = command.SerializeAsString();
    requests_.add({std::move(submission), approval_.number});
}

// Somebody who has no answer asks again, as it was.
void ReleaseWorld::ask_again() {
    for (auto& [name, request] : requests_.all()) {
        if (request.answer && (calm_ || !chance(.001))) continue;
        if (request.retry_at > tick() || (!calm_ && chance(.2))) continue;
        ask(request);
    }
}

void ReleaseWorld::ask(Request& request) {
    PublishingProcess* one = any_ready();
    if (one == nullptr) return;
    request.retry_at = tick() + seconds(2);
    one->submit(request.submission, seconds(2),
                [this, name = request.name()](const runtime::Answer& answer) {
                    if (answer.kind == runtime::Answer::Kind::unavailable) return;
                    ++totals_.answers;
                    try {
                        requests_.told(name, answer, oracle(approval_.number), false);
                    } catch (const Violation& violation) {
                        broken(violation.what());
                    }
                });
}

// --- the end ---

void ReleaseWorld::calm_down() {
    calm_ = true;
    kafka_.faults = {};
    network_.set_failing(0);
    channels_.suspend(false);
    const bool all = chance(.5);
    const auto lone = static_cast<std::size_t>(below(3));
    for (std::size_t i = 0; i < processes_.size(); ++i) {
        PublishingProcess& process = *processes_[i];
        process.freeze({});
        if (!all && i != lone)
            process.crash();
        else if (!process.alive())
            start(process);
        process.set_clock({});
    }
    kafka_.hurry();
    int repairs = 0;
    for (int i = 0; i < 6'000; ++i) {
        step(400);
        // Whatever waits for a channel to be as it was approved gets it so, though something that
        // was asked for before may still change it.
        if (i % 100 == 0) put_channels();
        // Some of what is in doubt only a person can resolve.
        if (i % 1'000 == 999)
            for (const std::string& id : releases_) repair(id);
        if (i % 5 != 0 || !settled_down()) continue;
        // What failed by then is repaired: in two steps where somebody has to look first.
        if (++repairs > 5) return;
        for (const std::string& id : releases_) repair(id);
        // Nobody is believed who looked while an attempt may have been under way.
        for (int wait = 0; wait < 400; ++wait) step(400);
    }
    for (auto& [name, request] : requests_.all())
        if (!request.answer)
            throw Violation("never answered: " + request.submission.asking.request_id);
    std::string states;
    for (const auto& [id, release] : state().releases.by_id) {
        states += fmt::format(" {}", texts::enum_name(release.head.state()));
        for (const auto& delivery : release.deliveries)
            states += fmt::format("/{}={}", delivery.id(), texts::enum_name(delivery.state()));
    }
    throw Violation(fmt::format("it never comes to rest: {} of {} releases:{}",
                                state().releases.by_id.size(), releases_.size(), states));
}

bool ReleaseWorld::settled_down() {
    if (!requests_.all_answered()) return false;
    const auto& releases = state().releases.by_id;
    for (const std::string& id : releases_) {
        const auto found = releases.find(id);
        if (found == releases.end() || !found->second.at_rest()) return false;
        for (const publishing::Delivery& delivery : found->second.deliveries)
            if (delivery.is(publishing::v1::DELIVERY_STATE_UNKNOWN) ||
                delivery.is(publishing::v1::DELIVERY_STATE_CLAIMED))
                return false;
    }
    for (int i = 0; i < partitions; ++i)
        if (!oracle(i).all_considered()) return false;
    return std::ranges::all_of(
        processes_, [](const auto& process) { return !process->alive() || process->at_rest(); });
}

void ReleaseWorld::check_end() {
    promises_.check_end();
    for (auto& process : processes_) {
        if (!process->alive()) continue;
        process->check_folds();
        const bool same = process->view().read(realm, [&](const publishing::Realm& there) {
            const auto& right = state().releases.by_id;
            return there.order().size() == right.size() + state().releases.faded.size() &&
                   std::ranges::all_of(right, [&](const auto& entry) {
                       const auto mine = there.whole_release(entry.first);
                       return mine &&
                              mine->SerializeAsString() == entry.second.whole().SerializeAsString();
                   });
        });
        if (!same) throw Violation("folds differ in their state");
    }
    requests_.check(oracle(approval_.number), approval_.number);
    std::int64_t decisions = 0, voids = 0, expired = 0;
    for (int i = 0; i < partitions; ++i) {
        expired += oracle(i).expired();
        decisions += static_cast<std::int64_t>(oracle(i).chain().size());
        voids += oracle(i).void_records();
    }
    totals_.decisions += decisions;
    totals_.void_records += voids;
    totals_.expired += expired;
    totals_.effects += promises_.sent();
    for (auto& process : processes_) process->crash();
    breaches_.raise();
    if (voids > decisions / 2 + 30)
        throw Violation(fmt::format("{} void records for {} decisions", voids, decisions));
    if (expired > decisions / 20 + 5)
        throw Violation(fmt::format("{} expired answers for {} decisions", expired, decisions));
    if (totals_.folds > decisions / 6 + 10)
        throw Violation(fmt::format("{} folds for {} decisions", totals_.folds, decisions));
}

void ReleaseWorld::count_end(const runtime::Partition::Counters& counters) {
    totals_.folds += counters.folds_again;
    totals_.takeovers += counters.takeovers;
}

std::string ReleaseWorld::trace() const {
    const Oracle& there = *oracles_[static_cast<std::size_t>(approval_.number)];
    return fmt::format(
        "scenario release, {} steps, {} ledger records, {} counted, {} commands; {} void, {} folds",
        totals_.ticks, there.logs().ledger.end(), there.chain().size(), there.logs().commands.end(),
        totals_.void_records, totals_.folds);
}

}  // namespace tocsin::sim
