#include "measurement/practice_watch.hpp"

#include "runtime/host/logs.hpp"
#include "runtime/host/replaced_file.hpp"
#include "runtime/host/retired_gauge.hpp"
#include "texts/enum_names.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

namespace tocsin::measurement {
namespace {

// More than 5,000 people in 100 realms need.
constexpr off_t file_bytes_max = 256 << 20;

struct Counts {
    int in = 0;
    int out = 0;
};

}  // namespace

PracticeWatch::PracticeWatch(PracticeSettings settings, runtime::Metrics& metrics,
                             const MeasurementView& view, const runtime::Roster& roster)
    : settings_(std::move(settings)), metrics_(metrics), view_(view), roster_(roster) {}

std::shared_ptr<const PracticeElsewhere> PracticeWatch::elsewhere() const {
    const std::lock_guard guard(mutex_);
    return elsewhere_;
}

void PracticeWatch::look(Time now) {
    if (!settings_.written_file.empty()) write(now);
    if (!settings_.read_file.empty()) read();
    count(now);
}

void PracticeWatch::write(Time now) {
    PracticeElsewhere ours{std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count(),
                           {}};
    view_.each([&](const std::string& name, const Realm& realm) {
        ours.realms.emplace(name, realm.practice().all());
    });
    say("what people practised cannot be written",
        runtime::replace_file(settings_.written_file, practice_json(ours), 0644));
}

// What was read stays while the file cannot be.
void PracticeWatch::read() {
    const runtime::FileVersion now = runtime::FileVersion::of(settings_.read_file);
    if (!now.exists())
        return say("what people practised in exercises cannot be read", "there is no such file");
    if (now == read_) return;
    read_ = now;
    if (now.size > file_bytes_max)
        return say("what people practised in exercises cannot be read", "the file is too long");
    std::ifstream file(settings_.read_file, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    auto practice = practice_of(text.str());
    say("what people practised in exercises cannot be read", practice ? "" : practice.error());
    if (!practice) return;
    auto fresh = std::make_shared<const PracticeElsewhere>(std::move(*practice));
    const std::lock_guard guard(mutex_);
    elsewhere_ = std::move(fresh);
}

// Once for each reason.
void PracticeWatch::say(const std::string& what, const std::string& why) {
    if (why != std::exchange(failure_, why) && !why.empty())
        runtime::logs::error(
            what, {{"file", settings_.written_file + settings_.read_file}, {"why", why}});
}

v1::PersonPractice PracticeWatch::row(const std::string& realm, const Practice& here,
                                      const approval::v1::Person& person, Time now) const {
    const auto there = elsewhere();
    const auto acts = there->realms.find(realm);
    v1::PersonPractice row;
    row.set_subject(person.subject());
    row.set_name(person.name());
    row.set_agency_id(person.agency_id());
    *row.mutable_roles() = person.roles();
    std::map<v1::Act, Time> latest;
    const auto add = [&](v1::Act act, const std::string& world, const Practised& practised) {
        v1::ActPractice& one = *row.add_acts();
        one.set_act(act);
        one.set_world(world);
        one.set_count(practised.count);
        *one.mutable_last_time() = runtime::to_proto(practised.last);
        one.set_median_seconds(practised.median);
        latest[act] = std::max(latest[act], practised.last);
    };
    for (const v1::Act act : texts::enum_values<v1::Act>()) {
        if (const auto practised = here.of(person.subject(), act))
            add(act, settings_.world, *practised);
        if (acts == there->realms.end()) continue;
        const auto practised = acts->second.find({person.subject(), act});
        if (practised != acts->second.end()) add(act, "exercise", practised->second);
    }
    Time last{};
    for (const auto& [act, at] : latest) last = std::max(last, at);
    if (!latest.empty()) *row.mutable_last_time() = runtime::to_proto(last);
    const Time enough = now - std::chrono::days{settings_.days};
    for (const std::string& role : person.roles())
        if (needs_practice(role) && std::ranges::none_of(latest, [&](const auto& one) {
                return practises(role, one.first) && one.second >= enough;
            }))
            row.add_out_of_practice(role);
    return row;
}

void PracticeWatch::count(Time now) {
    std::map<Group, Counts> groups;
    roster_.each([&](const std::string& name, const runtime::RealmRoster& roster) {
        const auto realm = view_.snapshot(name);
        roster.each_person([&](const approval::v1::Person& person) {
            const v1::PersonPractice practice = row(name, realm->practice(), person, now);
            for (const std::string& role : person.roles()) {
                if (!needs_practice(role)) continue;
                Counts& counts = groups[{name, person.agency_id(), role}];
                const auto& out = practice.out_of_practice();
                ++(std::ranges::find(out, role) == out.end() ? counts.in : counts.out);
            }
        });
    });
    std::set<Group> shown;
    for (const auto& [group, counts] : groups) {
        const auto& [realm, agency, role] = group;
        const prometheus::Labels labels{{"realm", realm}, {"agency", agency}, {"role", role}};
        metrics_
            .gauge("tocsin_people_in_practice",
                   "People of the roster who did something in their role lately.", labels)
            .Set(counts.in);
        metrics_
            .gauge("tocsin_people_out_of_practice",
                   "People of the roster who did nothing in their role for "
                   "measurement-practice-days.",
                   labels)
            .Set(counts.out);
        shown.insert(group);
    }
    for (const auto& group : shown_) {
        if (shown.contains(group)) continue;
        const auto& [realm, agency, role] = group;
        const prometheus::Labels labels{{"realm", realm}, {"agency", agency}, {"role", role}};
        runtime::retire_gauge(metrics_, "tocsin_people_in_practice", labels);
        runtime::retire_gauge(metrics_, "tocsin_people_out_of_practice", labels);
    }
    shown_ = std::move(shown);
}

}  // namespace tocsin::measurement
