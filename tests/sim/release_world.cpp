#include "sim/release_world.hpp"

#include "content/content.hpp"
#include "runtime/ids.hpp"
#include "runtime/record.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace tocsin::sim {

using publishing::Release;
using runtime::from_proto;
using runtime::to_proto;
using std::chrono::milliseconds;
using std::chrono::seconds;

static const std::string realm = "bow";
static constexpr int messages_max = 4;

namespace {

// The channels' credentials, as files; they go away with the program.
struct CredentialFiles {
    std::string folder;
    CredentialFiles() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-XXXXXX").string();
        folder = mkdtemp(pattern.data());
        std::ofstream(folder + "/hook")
            << R"({"kind":"webhook","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]})";
        std::ofstream(folder + "/toot") << R"({"kind":"mastodon","token":"secret-token"})";
    }
    ~CredentialFiles() { std::filesystem::remove_all(folder); }
    CredentialFiles(const CredentialFiles&) = delete;
};

void add_text(content::Text& text, const std::string& language, const std::string& headline) {
    text.set_language(language);
    text.set_event("flood");
    text.set_headline(headline);
    text.set_description("The river rises.");
    text.set_instruction("Leave the banks now.");
}

content::Content content_of(int number, Time now) {
    content::Content content;
    content.set_message_id(fmt::format("msg-{}", number));
    content.set_revision(1);
    content.set_realm(realm);
    content.set_incident_id("inc-1");
    content.set_world("live");
    content.set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    content::Draft& draft = *content.mutable_draft();
    draft.set_title("Flood");
    draft.set_status(content::v1::STATUS_ACTUAL);
    draft.set_category(content::v1::CATEGORY_MET);
    draft.set_urgency(content::v1::URGENCY_IMMEDIATE);
    draft.set_severity(content::v1::SEVERITY_SEVERE);
    draft.set_certainty(content::v1::CERTAINTY_OBSERVED);
    *draft.mutable_expires() = to_proto(now + std::chrono::hours(2));
    (*draft.add_areas()->mutable_descriptions())["en-CA"] = "Calgary";
    draft.add_agencies("calgary");
    add_text(*draft.add_texts(), "en-CA", fmt::format("Flood {} of the Bow", number));
    add_text(*draft.add_retraction(), "en-CA", fmt::format("Alert {} withdrawn", number));
    return content;
}

approval::v1::Cleared cleared_of(const std::string& message, const std::string& content) {
    approval::v1::Cleared cleared;
    cleared.set_message_id(message);
    cleared.set_content(content);
    cleared.set_digest(content::digest(content));
    approval::v1::Agency& agency = *cleared.add_agencies();
    agency.set_agency_id("calgary");
    agency.set_cap_sender("calgary@example.org");
    (*agency.mutable_names())["en-CA"] = "The city";
    return cleared;
}

}  // namespace

ReleaseWorld::ReleaseWorld(std::uint64_t seed, int steps)
    : random_(seed),
      steps_(steps * 3),
      approval_head_(runtime::genesis_digest(approval_.name, 0)),
      head_(runtime::genesis_digest(ledger_.name, 0)) {
    processes_.resize(3);
}

bool ReleaseWorld::chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}
int ReleaseWorld::below(int bound) {
    return static_cast<int>(random_() % static_cast<std::uint64_t>(bound));
}
Time ReleaseWorld::now() const {
    return Time{seconds{1'750'000'000} + milliseconds{tick_ * release_tick_ms}};
}
runtime::Tick ReleaseWorld::steady() const {
    return runtime::Tick{milliseconds{1'000'000 + tick_ * release_tick_ms}};
}
runtime::Metrics& ReleaseWorld::metrics() {
    static runtime::Metrics metrics("");
    return metrics;
}
const std::string& ReleaseWorld::credentials() const {
    static const CredentialFiles files;
    return files.folder;
}
Topic& ReleaseWorld::topic(int input) {
    return input < 0 ? ledger_ : input == 0 ? approval_ : commands_;
}

void ReleaseWorld::start(std::size_t place) {
    static constexpr const char* names[] = {"a", "b", "c"};
    processes_[place].reset();
    processes_[place] = std::make_unique<ReleaseProcess>(*this, names[place], ++lives_);
}

void ReleaseWorld::run() {
    start(0);
    start(1);
    for (const auto& [id, kind] :
         {std::pair{"feed", "feed"}, std::pair{"hook", "webhook"}, std::pair{"toot", "mastodon"}}) {
        publishing::v1::Command command;
        auto& channel = *command.mutable_put_channel();
        channel.set_channel_id(id);
        channel.set_kind(kind);
        if (id != std::string_view("feed")) {
            channel.set_url(fmt::format("https://{}.example.org", id));
            channel.set_credential(id);
        }
        wish(fmt::format("put-{}", id), command, "ada", {"admin"});
    }
    for (int i = 0; i < steps_; ++i) {
        faults();
        people();
        tick_once();
    }
    calm_down();
    check_end();
    for (auto& process : processes_) process.reset();
}

void ReleaseWorld::tick_once() {
    ++tick_;
    ++totals_.ticks;
    while (!later_.empty() && later_.begin()->first <= tick_) {
        const auto task = std::move(later_.begin()->second);
        later_.erase(later_.begin());
        task();
    }
    ask_again();
    for (auto& process : processes_) {
        if (!process) continue;
        process->step();
        for (int i = 0; i < (calm_ ? 4 : 1); ++i) process->deliver();
    }
    if (!broken_.empty()) throw Violation(broken_);
}

void ReleaseWorld::faults() {
    const auto place = static_cast<std::size_t>(below(3));
    auto& one = processes_[place];
    if (!one && chance(.02)) return start(place);
    if (!one) return;
    if (chance(.004)) return one.reset();
    if (chance(.004)) one->freeze(chance(.3) ? 900 : 60);
    if (chance(.004)) one->partition().on_broker_trouble();
    if (chance(.002)) one->set_clock(milliseconds(below(6001) - 3000));
    if (limbo_.empty() || !chance(.01)) return;
    const auto which = below(static_cast<int>(limbo_.size()));
    const Parcel parcel = limbo_[static_cast<std::size_t>(which)];
    limbo_.erase(limbo_.begin() + which);
    land(parcel);
}

ReleaseProcess* ReleaseWorld::any_alive() {
    const auto& one = processes_[static_cast<std::size_t>(below(3))];
    return one && !one->frozen() && one->ready() ? one.get() : nullptr;
}

ReleaseProcess* ReleaseWorld::process_of(int life) {
    for (auto& process : processes_)
        if (process && process->life() == life) return process.get();
    return nullptr;
}

// --- what comes from elsewhere ---

void ReleaseWorld::people() {
    if (rules_.state(realm).channels.size() < 3) return;
    if (messages_ < messages_max && chance(.01)) clear_message();
    if (releases_.empty() || !chance(.008)) return;
    const std::string& id =
        releases_[static_cast<std::size_t>(below(static_cast<int>(releases_.size())))];
    publishing::v1::Command command;
    if (chance(.5)) {
        command.mutable_cancel_release()->set_release_id(id);
        command.mutable_cancel_release()->set_reason("wrong river");
    } else {
        command.mutable_retract_release()->set_release_id(id);
        command.mutable_retract_release()->set_reason("wrong river");
    }
    wish(fmt::format("wish-{}", wishes_.size()), command, "olga", {"approver"});
}

void ReleaseWorld::clear_message() {
    const std::string content = content::serialise(content_of(messages_++, now()));
    const std::string message = content::parse(content)->message_id();
    if (chance(.3)) clear_badly(content);
    const auto cleared = cleared_of(message, content);
    approved_.insert(cleared.digest());
    releases_.push_back(runtime::derive_id("rel", {message, cleared.digest()}));
    approval::v1::Event event;
    *event.mutable_cleared() = cleared;
    ledger::v1::Decision decision;
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    upstream(std::move(decision), keys_, true);
    if (chance(.3)) clear_badly(content);
}

// Nobody approved this: another's seal, a void record, or other bytes than those that were hashed.
void ReleaseWorld::clear_badly(const std::string& content) {
    content::Content changed = *content::parse(content);
    changed.mutable_draft()->mutable_texts(0)->set_headline("All is well");
    const std::string bytes = content::serialise(changed);
    approval::v1::Event event;
    *event.mutable_cleared() = cleared_of(changed.message_id(), bytes);
    const int kind = below(3);
    if (kind == 2) event.mutable_cleared()->set_digest(content::digest(content));
    ledger::v1::Decision decision;
    decision.mutable_accepted()->add_events(event.SerializeAsString());
    upstream(std::move(decision), kind == 0 ? other_keys_ : keys_, kind != 1);
}

void ReleaseWorld::upstream(ledger::v1::Decision decision, const runtime::WorldKeys& keys,
                            bool counts) {
    decision.set_previous_digest(counts ? approval_head_
                                        : runtime::sha256(std::to_string(random_())));
    decision.set_writer("elsewhere");
    decision.set_realm(realm);
    *decision.mutable_decided_at() = to_proto(now());
    std::string record = runtime::Seal(keys, approval_.name, runtime::RecordKind::decision)
                             .close(decision.SerializeAsString(), keys.newest());
    if (counts && &keys == &keys_) approval_head_ = runtime::sha256(record);
    approval_.records.push_back({std::move(record), now()});
}

void ReleaseWorld::wish(const std::string& request_id, const publishing::v1::Command& command,
                        const std::string& actor, std::vector<std::string> roles) {
    runtime::Submission submission;
    submission.asking = {realm, actor, "calgary", std::move(roles), request_id};
    submission.expires_at = now() + std::chrono::hours(1);
    submission.sent_at = now();
    submission.body = command.SerializeAsString();
    wishes_.push_back({command_bytes(submission), runtime::request_key(realm, actor, request_id),
                       request_id, 0, false});
}

// Somebody who has no answer asks again, as it was.
void ReleaseWorld::ask_again() {
    if (chain_.empty()) return;  // Nobody can ask before the service has opened.
    for (Wish& wish : wishes_) {
        if (answered_.contains(wish.key) && !(chance(.001) && !calm_)) continue;
        if (wish.retry_at > tick_ || (!calm_ && chance(.2))) continue;
        wish.retry_at = tick_ + 100;
        if (calm_ || chance(.8)) land({&commands_, wish.value, {}});
    }
}

// --- the network ---

void ReleaseWorld::send(ReleaseProcess& process, int exchange, runtime::HttpRequest request) {
    using Kind = runtime::HttpError::Kind;
    // The adapter would take an exception for a failure of its own.
    if (broken_.empty()) broken_ = fault_of(process, request);
    const int life = process.life();
    const auto reply = [this, life, exchange](int after, runtime::HttpResult result) {
        later_.emplace(tick_ + after, [this, life, exchange, result = std::move(result)] {
            ReleaseProcess* there = process_of(life);
            if (there == nullptr) return;
            auto given = result;
            if (given) given->written_at = given->answered_at = there->now();
            there->complete(exchange, std::move(given));
        });
    };
    const bool fails = !calm_ && chance(.3);
    const int fault = fails ? below(5) : -1;
    if (fault == 0)
        return reply(1 + below(20),
                     std::unexpected(runtime::HttpError{Kind::not_sent, "away", {}}));
    if (fault == 1)
        return reply(50, std::unexpected(runtime::HttpError{Kind::unknown_outcome, "lost", {}}));
    // A request may arrive when its sender has given up, but not for ever later.
    const int travel = fault == 2 ? 10 + below(40) : below(3);
    const bool spoilt = fault == 3;
    const bool answer_lost = fault == 2 || fault == 4;
    later_.emplace(tick_ + travel, [=, this, request = std::move(request)] {
        auto response = serve(request, spoilt);
        if (!answer_lost) reply(1 + below(3), std::move(response));
    });
    if (answer_lost)
        reply(50, std::unexpected(runtime::HttpError{Kind::unknown_outcome, "lost", {}}));
}

// The feed is shown by whichever instance is asked.
runtime::HttpResponse ReleaseWorld::serve(const runtime::HttpRequest& request, bool spoilt) {
    const auto place = request.url.find("/alerts/");
    if (place == std::string::npos) return channels_.serve(request, spoilt);
    const std::string name = request.url.substr(place + 8, request.url.size() - place - 12);
    runtime::HttpResponse response;
    response.status = 404;
    ReleaseProcess* process = any_alive();
    if (process == nullptr) return response;
    process->view().read(realm, [&](const publishing::Realm& there) {
        if (const auto alert = there.alert(name, process->now())) {
            response.status = 200;
            response.body = alert->body->bytes();
        }
    });
    return response;
}

// --- what counts ---

std::int64_t ReleaseWorld::land(const Parcel& parcel) {
    parcel.to->records.push_back({parcel.value, now()});
    if (parcel.to == &ledger_) appended();
    return parcel.to->end() - 1;
}

void ReleaseWorld::appended() {
    const std::string& record = ledger_.records.back().value;
    const auto body = ledger_seal_.open(record);
    ledger::v1::Decision decision;
    if (!body || !decision.ParseFromArray(body->data(), static_cast<int>(body->size()))) return;
    if (decision.previous_digest() != head_) {
        ++void_;
        return;
    }
    head_ = runtime::sha256(record);
    chain_.push_back(head_);
    check_decision(decision);
    if (!decision.cause().request_id().empty())
        answered_.insert(runtime::request_key(decision.realm(), decision.cause().actor(),
                                              decision.cause().request_id()));
    for (const std::string& bytes : decision.accepted().events()) {
        publishing::v1::Event event;
        event.ParseFromString(bytes);
        rules_.evolve(realm, bytes, from_proto(decision.decided_at()));
        note(event);
    }
}

// The same rules on the same state and input must come to the same.
void ReleaseWorld::check_decision(const ledger::v1::Decision& decision) {
    if (!decision.has_accepted()) return;
    const Time at = from_proto(decision.decided_at());
    const Topic& topic = decision.cause().topic() == approval_.name ? approval_ : commands_;
    const auto body = (&topic == &commands_ ? commands_seal_ : approval_seal_)
                          .open(topic.at(decision.cause().offset()).value);
    if (!body) throw Violation("decided on what has a bad mac");
    ledger::v1::Accepted expected;
    if (&topic == &commands_) {
        ledger::v1::CommandRecord command;
        command.ParseFromArray(body->data(), static_cast<int>(body->size()));
        const runtime::Asking asking{command.realm(),
                                     command.actor(),
                                     command.agency(),
                                     {command.roles().begin(), command.roles().end()},
                                     command.request_id()};
        const auto decided = rules_.decide(asking, command.body(), at);
        if (!decided) throw Violation("accepted what the rules refuse: " + decided.error().code);
        expected = *decided;
    } else {
        ledger::v1::Decision theirs;
        theirs.ParseFromArray(body->data(), static_cast<int>(body->size()));
        runtime::Foreign foreign{topic.name,
                                 "approval",
                                 realm,
                                 decision.cause().offset(),
                                 from_proto(theirs.decided_at()),
                                 {}};
        for (const std::string& event : theirs.accepted().events()) foreign.events.push_back(event);
        expected = rules_.react(foreign, at).value_or(ledger::v1::Accepted{});
    }
    if (expected.SerializeAsString() != decision.accepted().SerializeAsString())
        throw Violation("decided on another state");
}

void ReleaseWorld::note(const publishing::v1::Event& event) {
    const auto arm = [&](const auto& armed) {
        for (int i = 0; i < armed.deliveries_size(); ++i)
            armed_[armed.deliveries(i).idempotency_key()] = {
                armed.release_id(),
                armed.deliveries(i).delivery_id(),
                armed.renditions(armed.rendition_of(i)).rendition().body(),
                {},
                {}};
    };
    arm(event.release_armed());
    arm(event.retraction_armed());
    if (event.has_release_cancelled()) cancelled_.insert(event.release_cancelled().release_id());
    const auto& claimed = event.deliveries_claimed();
    for (const std::string& id : claimed.delivery_ids())
        for (auto& [key, armed] : armed_)
            if (armed.release == claimed.release_id() && armed.delivery == id)
                ++armed.claims[claimed.executor()];
}

// What must hold at the moment that matters, before the first byte; empty when it does.
std::string ReleaseWorld::fault_of(const ReleaseProcess& process,
                                   const runtime::HttpRequest& request) {
    const std::string key = PublicChannels::key_of(request);
    if (key.empty()) return {};
    ++totals_.effects;
    const auto found = armed_.find(key);
    if (found == armed_.end()) return "sent what was never armed";
    Armed& armed = found->second;
    if (++armed.sends[process.incarnation()] > armed.claims[process.incarnation()])
        return "sent without a claim of its own that counts: " + armed.delivery;
    if (cancelled_.contains(armed.release)) return "sent although it was cancelled";
    const Release& release = rules_.state(realm).releases.at(armed.release);
    if (!approved_.contains(release.head.digest()) || !release.content ||
        content::digest(release.content->bytes()) != release.head.digest())
        return "sent what nobody approved";
    return {};
}

// --- the end ---

void ReleaseWorld::calm_down() {
    calm_ = true;
    for (const Parcel& parcel : std::exchange(limbo_, {})) land(parcel);
    const bool all = chance(.5);
    const auto lone = static_cast<std::size_t>(below(3));
    for (std::size_t i = 0; i < processes_.size(); ++i) {
        if (!all && i != lone) processes_[i].reset();
        if ((all || i == lone) && !processes_[i]) start(i);
        if (!processes_[i]) continue;
        processes_[i]->freeze(0);
        processes_[i]->set_clock(milliseconds(0));
    }
    for (const Parcel& parcel : std::exchange(limbo_, {})) land(parcel);
    for (int i = 0; i < 60'000; ++i) {
        tick_once();
        if (i % 50 == 0 && settled_down()) return;
    }
    for (const Wish& wish : wishes_)
        if (!answered_.contains(wish.key)) throw Violation("never answered: " + wish.what);
    std::string states;
    for (const auto& [id, release] : rules_.state(realm).releases) {
        states += " " + release.head.state();
        for (const auto& item : release.items) states += "/" + item.id() + "=" + item.state();
    }
    throw Violation(fmt::format("it never comes to rest: {} of {} releases:{}",
                                rules_.state(realm).releases.size(), releases_.size(), states));
}

bool ReleaseWorld::settled_down() {
    for (const Wish& wish : wishes_)
        if (!answered_.contains(wish.key)) return false;
    const auto& releases = rules_.state(realm).releases;
    for (const std::string& id : releases_) {
        const auto found = releases.find(id);
        if (found == releases.end() || !found->second.at_rest()) return false;
        for (const publishing::Item& item : found->second.items)
            if (item.is("unknown") || item.is("claimed")) return false;
    }
    for (auto& process : processes_)
        if (process && !process->at_rest()) return false;
    return true;
}

void ReleaseWorld::check_end() {
    for (const auto& [id, release] : rules_.state(realm).releases) check_release(release);
    for (auto& process : processes_) {
        if (!process) continue;
        if (process->told() != chain_)
            throw Violation("views were not told each decision once and in order");
        const bool same = process->view().read(realm, [&](const publishing::Realm& there) {
            const auto& right = rules_.state(realm).releases;
            return there.releases().size() == right.size() &&
                   std::ranges::all_of(right, [&](const auto& entry) {
                       const Release* mine = there.release(entry.first);
                       return mine && mine->whole().SerializeAsString() ==
                                          entry.second.whole().SerializeAsString();
                   });
        });
        if (!same) throw Violation("folds differ in their state");
    }
    const auto decisions = static_cast<std::int64_t>(chain_.size());
    totals_.decisions += decisions;
    totals_.void_records += void_;
    totals_.answers += static_cast<std::int64_t>(answered_.size());
    if (void_ >= 3 * decisions + 60)
        throw Violation(fmt::format("{} void records for {} decisions", void_, decisions));
}

void ReleaseWorld::check_release(const Release& release) {
    for (const publishing::Item& item : release.items) {
        const std::string& key = item.delivery.idempotency_key();
        if (key.empty() || item.delivery.kind() == "feed") continue;
        const int shown = channels_.shown(key);
        const std::string what = fmt::format("{} {} is {}", release.id(), item.id(), item.state());
        if (shown > 1) throw Violation("shown twice: " + what);
        if (shown > 0 && cancelled_.contains(release.id()))
            throw Violation("shown although it was cancelled: " + what);
        if (item.is("confirmed") && shown == 0) throw Violation("not shown: " + what);
        // Only a receiver that cannot be asked may have more than it confirmed.
        if (shown == 1 && !item.is("confirmed") && item.delivery.kind() != "webhook")
            throw Violation("shown: " + what);
        if (shown == 1 && !item.retracts() && release.retract_at) check_retracted(release, item);
        for (const std::string& body : channels_.bodies(key))
            if (body != channels_.bodies(key).front() ||
                (!item.retracts() && body != armed_.at(key).body))
                throw Violation("other bytes than those that were armed: " + what);
    }
}

// A mistake is taken back wherever it may be seen.
void ReleaseWorld::check_retracted(const Release& release, const publishing::Item& item) {
    const bool taken_back = std::ranges::any_of(release.items, [&](const auto& other) {
        return other.retracts() && other.id().starts_with(item.id() + ":cancel") &&
               channels_.shown(other.delivery.idempotency_key()) == 1;
    });
    if (!taken_back) throw Violation("never taken back: " + release.id() + " " + item.id());
}

void ReleaseWorld::count_end(const runtime::Partition& partition) {
    totals_.folds += partition.counters().folds_again + 1;
    totals_.takeovers += partition.counters().takeovers;
}

std::string ReleaseWorld::trace() const {
    return fmt::format("scenario release, tick {}, {} ledger records, {} counted, {} commands",
                       tick_, ledger_.end(), chain_.size(), commands_.end());
}

}  // namespace tocsin::sim
