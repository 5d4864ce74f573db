#include "drafting/view.hpp"

#include "drafting/event.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/edge/identity.hpp"
#include "unit/drafting/facts.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace facts;

TEST(Messages, AreListedNewestFirstAndFiltered) {
    DraftingView view(1);
    for (const char* id : {"a", "b", "c"}) apply(view, created(id));
    apply(view, submitted("b"));
    using Ids = std::vector<std::string>;
    EXPECT_EQ(listed(view), (Ids{"c", "b", "a"}));
    EXPECT_EQ(listed(view, {}, v1::MESSAGE_STATE_IN_REVIEW), (Ids{"b"}));
    EXPECT_EQ(listed(view, {}, v1::MESSAGE_STATE_DRAFT), (Ids{"c", "a"}));
    EXPECT_EQ(listed(view, "inc-1"), (Ids{"c", "b", "a"}));
    EXPECT_EQ(listed(view, "inc-1", v1::MESSAGE_STATE_DRAFT), (Ids{"c", "a"}));
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

// ---- watching

struct Notes final : Watcher {
    void changed(const std::shared_ptr<const v1::Message>& message) override {
        states.push_back(message->state());
    }
    void ended(End end) override {
        over = true;
        too_many = end == End::too_many;
    }
    std::vector<v1::MessageState> states;
    bool over = false;
    bool too_many = false;
};

TEST(Watch, GivesWhatIsAndThenEveryChange) {
    DraftingView view(1);
    apply(view, created());
    Notes notes;
    const auto snapshot = view.watch({"bow", {}, {}}, notes);
    EXPECT_TRUE(snapshot->message("m"));
    apply(view, submitted());
    apply(view, opened());
    apply(view, cleared());
    EXPECT_EQ(notes.states, (std::vector{MESSAGE_STATE_IN_REVIEW, MESSAGE_STATE_IN_REVIEW,
                                         MESSAGE_STATE_CLEARED}));
    view.unwatch(notes);
    apply(view, planned());
    EXPECT_EQ(notes.states.size(), 3u);
}

TEST(Watch, IsOfOneRealmAndOneIncident) {
    DraftingView view(1);
    Notes other_realm, other_incident, same;
    view.watch({"elbow", {}, {}}, other_realm);
    view.watch({"bow", {}, "inc-2"}, other_incident);
    view.watch({"bow", {}, "inc-1"}, same);
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
    view.watch({"bow", {}, {}, of("police")}, hidden);
    view.watch({"bow", {}, {}, of("calgary")}, shown);
    v1::Event made = event_of("m");
    made.mutable_message_created()->mutable_draft()->add_agencies("calgary");
    apply(view, fact(made));
    EXPECT_TRUE(hidden.states.empty());
    EXPECT_EQ(shown.states.size(), 1u);
    v1::Event revised = event_of("m");
    revised.mutable_message_revised()->mutable_draft()->add_agencies("police");
    apply(view, fact(revised));
    EXPECT_EQ(hidden.states.size(), 1u) << "it names them now";
    EXPECT_EQ(shown.states.size(), 1u);
    EXPECT_TRUE(shown.over) << "what was reported no longer holds";
    EXPECT_FALSE(hidden.over);
}

TEST(Watch, ThatIsRefusedAMoveTellsNothing) {
    DraftingView view(1);
    apply(view, created());
    Notes notes;
    view.watch({"bow", {}, {}}, notes);
    apply(view, handed_back());
    EXPECT_TRUE(notes.states.empty());
}

TEST(Watch, IsBoundedInARealmAndInAll) {
    DraftingView view(1);
    std::deque<Notes> all;
    const auto add = [&](const std::string& realm, const std::string& caller = {}) {
        const std::string other = std::to_string(all.size());
        view.watch({realm, caller.empty() ? other : caller, {}}, all.emplace_back());
        return !all.back().over;
    };
    for (std::size_t i = 0; i < DraftingView::watchers_of_caller_max; ++i)
        ASSERT_TRUE(add("bow", "ana"));
    EXPECT_FALSE(add("bow", "ana"));
    EXPECT_TRUE(all.back().too_many);
    EXPECT_TRUE(add("elbow", "ana")) << "who has that name there is somebody else";
    for (Notes& notes : all) view.unwatch(notes);
    all.clear();
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
    view.watch({"bow", {}, {}}, here);
    view.watch({"elbow", {}, {}}, elsewhere);
    ASSERT_NE(runtime::partition_of("bow", 2), runtime::partition_of("elbow", 2));
    view.halted(runtime::partition_of("bow", 2));
    EXPECT_TRUE(here.over);
    EXPECT_FALSE(here.too_many);
    EXPECT_FALSE(elsewhere.over);
}

TEST(Watch, EndsWhenTheServiceStopsOrReadsItsLedgerAgain) {
    DraftingView view(1);
    Notes first, second, late;
    view.watch({"bow", {}, {}}, first);
    view.reset(0);
    EXPECT_TRUE(first.over);
    view.watch({"bow", {}, {}}, second);
    view.stop();
    EXPECT_TRUE(second.over);
    view.watch({"bow", {}, {}}, late);
    EXPECT_TRUE(late.over);
}

}  // namespace
}  // namespace tocsin::drafting
