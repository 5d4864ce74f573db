#include "drafting/view.hpp"

#include "runtime/base/parties.hpp"
#include "runtime/edge/identity.hpp"

#include "support/given.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

namespace tocsin::drafting {
namespace {

using testing::at;

struct Fact {
    std::string service;
    std::string event;
};

Fact fact(const v1::Event& event) { return {"drafting", event.SerializeAsString()}; }
Fact fact(const approval::v1::Event& event) { return {"approval", event.SerializeAsString()}; }
Fact fact(const publishing::v1::Event& event) { return {"publishing", event.SerializeAsString()}; }

Fact created(const char* id = "m") {
    v1::Event event;
    event.mutable_message_created()->set_message_id(id);
    event.mutable_message_created()->set_incident_id("inc-1");
    return fact(event);
}
Fact submitted(const char* id = "m") {
    v1::Event event;
    event.mutable_message_submitted()->set_message_id(id);
    event.mutable_message_submitted()->set_content("bytes");
    event.mutable_message_submitted()->set_digest("digest");
    return fact(event);
}
Fact handed_back() {
    v1::Event event;
    event.mutable_message_returned()->set_message_id("m");
    event.mutable_message_returned()->set_reason("which bank?");
    return fact(event);
}
Fact closed() {
    v1::Event event;
    event.mutable_message_closed()->set_message_id("m");
    return fact(event);
}
Fact withdrawn() {
    v1::Event event;
    event.mutable_message_withdrawn()->set_message_id("m");
    return fact(event);
}
Fact opened() {
    approval::v1::Event event;
    event.mutable_review_opened()->mutable_review()->set_message_id("m");
    return fact(event);
}
Fact fact_of_return() {
    approval::v1::Event event;
    event.mutable_review_returned()->set_message_id("m");
    event.mutable_review_returned()->set_reason("which bank?");
    return fact(event);
}
Fact fact_of_rejection() {
    approval::v1::Event event;
    event.mutable_review_rejected()->set_message_id("m");
    return fact(event);
}
Fact cleared() {
    approval::v1::Event event;
    event.mutable_cleared()->set_message_id("m");
    return fact(event);
}
Fact planned() {
    publishing::v1::Event event;
    event.mutable_release_planned()->mutable_release()->set_release_id("r");
    event.mutable_release_planned()->mutable_release()->set_message_id("m");
    return fact(event);
}
Fact armed() {
    publishing::v1::Event event;
    event.mutable_release_armed()->set_release_id("r");
    return fact(event);
}
Fact claimed() {
    publishing::v1::Event event;
    event.mutable_deliveries_claimed()->set_release_id("r");
    return fact(event);
}
Fact completed(const char* state) {
    publishing::v1::Event event;
    event.mutable_release_completed()->set_release_id("r");
    event.mutable_release_completed()->set_state(state);
    return fact(event);
}
Fact stopped() {
    publishing::v1::Event event;
    event.mutable_release_cancelled()->set_release_id("r");
    event.mutable_release_cancelled()->set_reason("wrong river");
    return fact(event);
}
Fact ended(const char* state) {
    publishing::v1::Event event;
    event.mutable_release_ended()->set_release_id("r");
    event.mutable_release_ended()->set_state(state);
    return fact(event);
}

void apply(DraftingView& view, const Fact& what, std::int64_t seconds = 0) {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(what.event);
    view.apply({what.service, 0, 0, at(seconds), decision, true});
}

v1::Message shown(const DraftingView& view, const char* id = "m") {
    return view.read("bow",
                     [&](const Realm& realm) { return realm.message(id).value_or(v1::Message{}); });
}

std::string state_after(const std::vector<Fact>& facts) {
    DraftingView view(1);
    for (const Fact& each : facts) apply(view, each);
    return shown(view).state();
}

// Calls `use` with every interleaving of the ledgers that keeps each ledger's own order.
void interleave(std::vector<std::vector<Fact>> ledgers, std::vector<Fact> so_far,
                const std::function<void(const std::vector<Fact>&)>& use) {
    bool done = true;
    for (std::size_t i = 0; i < ledgers.size(); ++i) {
        if (ledgers[i].empty()) continue;
        done = false;
        auto rest = ledgers;
        auto next = so_far;
        next.push_back(rest[i].front());
        rest[i].erase(rest[i].begin());
        interleave(std::move(rest), std::move(next), use);
    }
    if (done) use(so_far);
}

void expect_in_any_order(const std::vector<std::vector<Fact>>& ledgers, const std::string& state) {
    int orders = 0;
    interleave(ledgers, {}, [&](const std::vector<Fact>& order) {
        ++orders;
        DraftingView view(1);
        for (const Fact& each : order) apply(view, each);
        std::string names;
        for (const Fact& each : order) names += each.service + " ";
        EXPECT_EQ(shown(view).state(), state) << names;
    });
    EXPECT_GT(orders, 1);
}

std::vector<std::string> listed(const DraftingView& view, std::string_view incident_id = {},
                                std::string_view state = {}) {
    return view.read("bow", [&](const Realm& realm) {
        std::vector<std::string> ids;
        realm.messages(incident_id, state, 0,
                       [&](std::int64_t, const std::string& id, const Standing&) {
                           ids.push_back(id);
                           return true;
                       });
        return ids;
    });
}

TEST(Lifecycle, FollowsAMessageThroughItsLife) {
    std::vector<Fact> facts;
    const auto then = [&](const Fact& next) {
        facts.push_back(next);
        return state_after(facts);
    };
    EXPECT_EQ(then(created()), "draft");
    EXPECT_EQ(then(submitted()), "in_review");
    EXPECT_EQ(then(opened()), "in_review");
    EXPECT_EQ(then(cleared()), "cleared");
    EXPECT_EQ(then(planned()), "cleared");
    EXPECT_EQ(then(armed()), "armed");
    EXPECT_EQ(then(claimed()), "releasing");
    EXPECT_EQ(then(completed("released")), "released");
    EXPECT_EQ(then(claimed()), "released");
    EXPECT_EQ(then(completed("retracted")), "cancelled");
    // Ordered again for what became public later.
    EXPECT_EQ(then(completed("retracted")), "cancelled");
    // And could not be taken back there.
    EXPECT_EQ(then(completed("released")), "released");
}

TEST(Lifecycle, IsTheSameInAnyOrderOfTheLedgers) {
    expect_in_any_order({{created(), submitted()},
                         {opened(), cleared()},
                         {planned(), armed(), claimed(), completed("released")}},
                        "released");
}

TEST(Lifecycle, ASecondSubmissionOutranksTheFirstsReturn) {
    expect_in_any_order(
        {{created(), submitted(), handed_back(), submitted()}, {opened(), fact_of_return()}},
        "in_review");
    expect_in_any_order({{created(), submitted(), handed_back(), submitted()},
                         {opened(), fact_of_return(), opened(), cleared()}},
                        "cleared");
}

TEST(Lifecycle, AReturnedTextIsADraftAgain) {
    expect_in_any_order({{created(), submitted(), handed_back()}, {opened(), fact_of_return()}},
                        "draft");
    EXPECT_EQ(state_after({created(), submitted(), opened(), fact_of_return()}), "draft");
}

TEST(Lifecycle, AReturnedTextMayBeWithdrawn) {
    expect_in_any_order(
        {{created(), submitted(), handed_back(), withdrawn()}, {opened(), fact_of_return()}},
        "withdrawn");
}

TEST(Lifecycle, ARejectedMessageStaysRejected) {
    expect_in_any_order({{created(), submitted(), closed()}, {opened(), fact_of_rejection()}},
                        "rejected");
    EXPECT_EQ(state_after({created(), submitted(), opened(), fact_of_rejection()}), "rejected");
}

TEST(Lifecycle, ARelease) {
    const std::vector<Fact> before{created(), submitted(), opened(), cleared(), planned()};
    const auto with = [&](std::vector<Fact> more) {
        more.insert(more.begin(), before.begin(), before.end());
        return state_after(more);
    };
    EXPECT_EQ(with({stopped()}), "cancelled");
    EXPECT_EQ(with({armed(), stopped()}), "cancelled");
    EXPECT_EQ(with({ended("expired")}), "expired");
    EXPECT_EQ(with({ended("aborted")}), "cancelled");
    EXPECT_EQ(with({armed(), claimed(), completed("retracted")}), "cancelled");
    // A channel has it after all.
    EXPECT_EQ(with({armed(), claimed(), ended("aborted"), completed("released")}), "released");
}

TEST(Lifecycle, AnImpossibleMoveIsCountedAndNotMade) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared(), planned(), stopped()})
        apply(view, each);
    EXPECT_EQ(view.impossible_moves(), 0);
    apply(view, armed());
    EXPECT_EQ(view.impossible_moves(), 1);
    EXPECT_EQ(shown(view).state(), "cancelled");
    EXPECT_EQ(shown(view).reason(), "wrong river");
}

TEST(Lifecycle, AReleaseThatWasNotPlannedIsCounted) {
    DraftingView view(1);
    apply(view, armed());
    EXPECT_EQ(view.impossible_moves(), 1);
}

TEST(Message, ShowsContentAndDigestWhileItIsLocked) {
    DraftingView view(1);
    apply(view, created());
    EXPECT_EQ(shown(view).digest(), "");
    apply(view, submitted());
    EXPECT_EQ(shown(view).digest(), "digest");
    EXPECT_EQ(shown(view).content(), "bytes");
    EXPECT_EQ(shown(view).etag(), "2");
    apply(view, handed_back());
    EXPECT_EQ(shown(view).digest(), "");
    EXPECT_EQ(shown(view).content(), "");
    EXPECT_EQ(shown(view).reason(), "which bank?");
    EXPECT_EQ(shown(view).etag(), "3");
}

TEST(Message, IsNotShownBeforeDraftingTellsOfIt) {
    DraftingView view(1);
    apply(view, opened());
    EXPECT_EQ(shown(view).message_id(), "");
    EXPECT_TRUE(listed(view).empty());
}

TEST(Message, LastChangedWhenTheLatestLedgerSaysSo) {
    DraftingView view(1);
    apply(view, opened(), 9);
    apply(view, created(), 5);
    EXPECT_EQ(runtime::from_proto(shown(view).update_time()), at(9));
    EXPECT_EQ(runtime::from_proto(shown(view).create_time()), at(5));
}

TEST(Messages, AreListedNewestFirstAndFiltered) {
    DraftingView view(1);
    for (const char* id : {"a", "b", "c"}) apply(view, created(id));
    apply(view, submitted("b"));
    using Ids = std::vector<std::string>;
    EXPECT_EQ(listed(view), (Ids{"c", "b", "a"}));
    EXPECT_EQ(listed(view, {}, "in_review"), (Ids{"b"}));
    EXPECT_EQ(listed(view, {}, "draft"), (Ids{"c", "a"}));
    EXPECT_EQ(listed(view, "inc-1"), (Ids{"c", "b", "a"}));
    EXPECT_EQ(listed(view, "inc-1", "draft"), (Ids{"c", "a"}));
    EXPECT_TRUE(listed(view, "inc-2").empty());
}

TEST(Messages, AreListedFromAPlaceOnWhateverComesAfterIt) {
    DraftingView view(1);
    for (const char* id : {"a", "b", "c"}) apply(view, created(id));
    std::int64_t place = 0;
    view.read("bow", [&](const Realm& realm) {
        realm.messages({}, {}, 0, [&](std::int64_t at, const std::string&, const Standing&) {
            place = at;
            return false;
        });
    });
    apply(view, created("d"));
    std::string rest;
    view.read("bow", [&](const Realm& realm) {
        realm.messages({}, {}, place, [&](std::int64_t, const std::string& id, const Standing&) {
            rest += id;
            return true;
        });
    });
    EXPECT_EQ(rest, "ba");
}

constexpr std::int64_t day = 24 * 60 * 60;

// It can be ordered again: that is no move, and people are told.
TEST(Lifecycle, ARetractionThatCameToNothingIsToldOfAReleasedMessage) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared(), planned(), armed(),
                             claimed(), completed("released")})
        apply(view, each);
    publishing::v1::Event event;
    event.mutable_release_completed()->set_release_id("r");
    event.mutable_release_completed()->set_state("released");
    event.mutable_release_completed()->set_reason("toot:cancel is refused: 401");
    apply(view, fact(event), 60);
    EXPECT_EQ(view.impossible_moves(), 0);
    EXPECT_EQ(shown(view).state(), "released");
    EXPECT_EQ(shown(view).reason(), "toot:cancel is refused: 401");
    EXPECT_EQ(runtime::from_proto(shown(view).update_time()), at(60));
}

TEST(Texts, AreDroppedThirtyDaysAfterTheEnd) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared(), planned(), armed(),
                             claimed(), completed("released")})
        apply(view, each);
    apply(view, created("other"), 30 * day - 1);
    EXPECT_FALSE(shown(view).texts_dropped());
    EXPECT_EQ(shown(view).content(), "bytes");
    apply(view, created("another"), 30 * day);
    EXPECT_TRUE(shown(view).texts_dropped());
    EXPECT_EQ(shown(view).content(), "");
    EXPECT_EQ(shown(view).digest(), "digest");
    EXPECT_EQ(shown(view).state(), "released");
    EXPECT_FALSE(shown(view, "other").texts_dropped());
}

// It may be taken back for a week after its expiry. The ledger that tells so may be read last.
TEST(Texts, AreKeptAlikeWhateverOrderTheLedgersAreReadIn) {
    v1::Event event;
    event.mutable_message_created()->set_message_id("m");
    *event.mutable_message_created()->mutable_draft()->mutable_expires() =
        runtime::to_proto(at(day));
    const Fact expiring = fact(event);
    for (const bool own_first : {false, true}) {
        DraftingView view(1);
        for (const Fact& each : {expiring, submitted(), opened(), cleared()}) apply(view, each);
        if (own_first) apply(view, created("other"), 36 * day);
        for (const Fact& each : {planned(), armed(), claimed(), completed("released")})
            apply(view, each);
        if (own_first) {
            EXPECT_EQ(shown(view).content(), "bytes");
        }
        apply(view, completed("retracted"), 6 * day);
        apply(view, created("another"), 36 * day);
        EXPECT_EQ(shown(view).content(), "bytes") << own_first;
        apply(view, created("last"), 39 * day);
        EXPECT_EQ(shown(view).content(), "") << own_first;
    }
}

TEST(Texts, StayWhileAMessageHasNoEnd) {
    DraftingView view(1);
    for (const Fact& each : {created(), submitted(), opened(), cleared()}) apply(view, each);
    apply(view, created("other"), 300 * day);
    EXPECT_EQ(shown(view).content(), "bytes");
}

// A ledger that is read behind the others has its words of long ago.
TEST(Texts, AreDroppedAtOnceWhereTheEndIsReadLate) {
    DraftingView view(1);
    apply(view, created());
    apply(view, created("other"), 40 * day);
    apply(view, withdrawn(), 0);
    EXPECT_TRUE(shown(view).texts_dropped());
}

// ---- watching

struct Notes final : Watcher {
    void changed(const std::shared_ptr<const v1::Message>& message) override {
        states.push_back(message->state());
    }
    void ended(End end) override {
        over = true;
        too_many = end == End::too_many;
    }
    std::vector<std::string> states;
    bool over = false;
    bool too_many = false;
};

TEST(Watch, GivesWhatIsAndThenEveryChange) {
    DraftingView view(1);
    apply(view, created());
    Notes notes;
    const auto snapshot = view.watch({"bow", {}}, notes);
    EXPECT_TRUE(snapshot->message("m"));
    apply(view, submitted());
    apply(view, opened());
    apply(view, cleared());
    EXPECT_EQ(notes.states, (std::vector<std::string>{"in_review", "in_review", "cleared"}));
    view.unwatch(notes);
    apply(view, planned());
    EXPECT_EQ(notes.states.size(), 3u);
}

TEST(Watch, IsOfOneRealmAndOneIncident) {
    DraftingView view(1);
    Notes other_realm, other_incident, same;
    view.watch({"elbow", {}}, other_realm);
    view.watch({"bow", "inc-2"}, other_incident);
    view.watch({"bow", "inc-1"}, same);
    apply(view, created());
    EXPECT_TRUE(other_realm.states.empty());
    EXPECT_TRUE(other_incident.states.empty());
    EXPECT_EQ(same.states.size(), 1u);
}

TEST(Watch, IsOfWhatItsReaderMaySee) {
    DraftingView view(1);
    Notes hidden, shown;
    const auto of = [](const std::string& agency) {
        return [agency](const content::v1::Parties& parties) {
            return runtime::concerns(runtime::Caller{"ana", "bow", agency, {"author"}}, parties);
        };
    };
    view.watch({"bow", {}, of("police")}, hidden);
    view.watch({"bow", {}, of("calgary")}, shown);
    v1::Event made;
    made.mutable_message_created()->set_message_id("m");
    made.mutable_message_created()->mutable_draft()->add_agencies("calgary");
    apply(view, fact(made));
    EXPECT_TRUE(hidden.states.empty());
    EXPECT_EQ(shown.states.size(), 1u);
    v1::Event revised;
    revised.mutable_message_revised()->set_message_id("m");
    revised.mutable_message_revised()->mutable_draft()->add_agencies("police");
    apply(view, fact(revised));
    EXPECT_EQ(hidden.states.size(), 1u) << "it names them now";
    EXPECT_EQ(shown.states.size(), 1u);
    EXPECT_TRUE(shown.over) << "what it was told no longer holds";
    EXPECT_FALSE(hidden.over);
}

TEST(Watch, ThatIsRefusedAMoveTellsNothing) {
    DraftingView view(1);
    apply(view, created());
    Notes notes;
    view.watch({"bow", {}}, notes);
    apply(view, handed_back());
    EXPECT_TRUE(notes.states.empty());
}

TEST(Watch, IsBoundedInARealmAndInAll) {
    DraftingView view(1);
    std::deque<Notes> all;
    const auto add = [&](const std::string& realm) {
        view.watch({realm, {}}, all.emplace_back());
        return !all.back().over;
    };
    for (std::size_t i = 0; i < DraftingView::watchers_of_realm_max; ++i) ASSERT_TRUE(add("bow"));
    EXPECT_FALSE(add("bow"));
    EXPECT_TRUE(all.back().too_many);
    for (int realm = 0; all.size() <= DraftingView::watchers_max; ++realm)
        for (int i = 0; i < 50 && all.size() <= DraftingView::watchers_max; ++i)
            ASSERT_TRUE(add("realm-" + std::to_string(realm)));
    EXPECT_FALSE(add("elbow"));
    EXPECT_TRUE(all.back().too_many);
    view.unwatch(all.front());
    EXPECT_TRUE(add("bow"));
}

TEST(Watch, EndsWhenItsPartitionHalts) {
    DraftingView view(2);
    Notes here, elsewhere;
    view.watch({"bow", {}}, here);
    view.watch({"elbow", {}}, elsewhere);
    ASSERT_NE(runtime::partition_of("bow", 2), runtime::partition_of("elbow", 2));
    view.halted(runtime::partition_of("bow", 2));
    EXPECT_TRUE(here.over);
    EXPECT_FALSE(here.too_many);
    EXPECT_FALSE(elsewhere.over);
}

TEST(Watch, EndsWhenTheServiceStopsOrReadsItsLedgerAgain) {
    DraftingView view(1);
    Notes first, second, late;
    view.watch({"bow", {}}, first);
    view.reset(0);
    EXPECT_TRUE(first.over);
    view.watch({"bow", {}}, second);
    view.stop();
    EXPECT_TRUE(second.over);
    view.watch({"bow", {}}, late);
    EXPECT_TRUE(late.over);
}

}  // namespace
}  // namespace tocsin::drafting
