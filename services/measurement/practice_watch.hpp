// What is known of people's practice beyond this ledger, and its metrics: reads or writes the file
// between the worlds, and counts who is out of practice.
#pragma once

#include "measurement/practice_file.hpp"
#include "measurement/view.hpp"
#include "runtime/edge/roster.hpp"
#include "runtime/host/file_version.hpp"

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>

namespace tocsin::measurement {

struct PracticeSettings {
    std::string world = "live";
    std::string written_file;  // in the exercise world; empty: none
    std::string read_file;     // in the live one; empty: none
    std::int64_t days = 90;    // after which without an act a person is out of practice
};

// What a person did in both worlds.
class PracticeWatch {
public:
    PracticeWatch(PracticeSettings settings, runtime::Metrics& metrics, const MeasurementView& view,
                  const runtime::Roster& roster);

    // Once history is folded, and every `between_looks`; one thread.
    static constexpr std::chrono::seconds between_looks{30};
    void look(Time now);

    // Any thread. What somebody of a realm did, and in which of the roles nothing for too long.
    v1::PersonPractice row(const std::string& realm, const Practice& here,
                           const approval::v1::Person& person, Time now) const;
    int days() const { return static_cast<int>(settings_.days); }
    // Unix seconds; 0: nothing is known of the exercise world.
    std::int64_t exercise_time() const { return elsewhere()->written_at; }

private:
    using Group = std::tuple<std::string, std::string, std::string>;  // realm, agency, role

    std::shared_ptr<const PracticeElsewhere> elsewhere() const;
    void write(Time now);
    void read();
    void say(const std::string& what, const std::string& why);
    void count(Time now);

    const PracticeSettings settings_;
    runtime::Metrics& metrics_;
    const MeasurementView& view_;
    const runtime::Roster& roster_;
    std::set<Group> shown_;
    std::string failure_;
    runtime::FileVersion read_;
    mutable std::mutex mutex_;
    std::shared_ptr<const PracticeElsewhere> elsewhere_ =
        std::make_shared<const PracticeElsewhere>();
};

}  // namespace tocsin::measurement
