#include "measurement/service.hpp"

#include "measurement/decider.hpp"
#include "measurement/practice_watch.hpp"
#include "measurement/rpc.hpp"
#include "runtime/host/clock.hpp"

namespace tocsin::measurement {
namespace {

struct MeasurementSettings {
    std::string practice_file;
    std::string exercise_practice_file;
    std::int64_t practice_days = 90;

    void declare(runtime::Settings& settings) {
        settings.add("measurement-practice-file", practice_file,
                     "in the exercise world: where it is written who did what and when last, for "
                     "the live world (measurement-exercise-practice-file)");
        settings.add("measurement-exercise-practice-file", exercise_practice_file,
                     "in the live world: what people did in exercises, as a measurement of the "
                     "exercise world writes it (measurement-practice-file)");
        settings.add("measurement-practice-days", practice_days,
                     "days after which a person who did nothing in a role is out of practice in it",
                     1, 3650);
    }
    PracticeSettings practice(const std::string& world) const {
        return {world, practice_file, exercise_practice_file, practice_days};
    }
};

std::optional<std::string> problem_of(const MeasurementSettings& settings,
                                      const runtime::RuntimeConfig& config) {
    if (config.world == "exercise" && !settings.exercise_practice_file.empty())
        return "measurement-exercise-practice-file: is for the live world";
    if (config.world != "exercise" && !settings.practice_file.empty())
        return "measurement-practice-file: is for the exercise world";
    return std::nullopt;
}

class MeasurementService final : public runtime::Service {
public:
    MeasurementService(const MeasurementSettings& settings, runtime::Surroundings& surroundings)
        : view_(static_cast<int>(surroundings.config.kafka_partitions), surroundings.metrics,
                surroundings.config.instance),
          practice_(settings.practice(surroundings.config.world), surroundings.metrics, view_,
                    surroundings.roster),
          rpc_(surroundings.rpc, view_, practice_, surroundings.roster),
          http_(surroundings.http) {
        view_.show_size(runtime::view_gauges(surroundings.metrics, "measurement"));
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    std::vector<runtime::View*> views() override { return {&view_}; }
    void start() override {
        view_.show();
        http_.post([this] { watch_practice(); });
    }

private:
    // On a loop that has nothing else to do: this service sends no requests.
    void watch_practice() {
        practice_.look(runtime::system_now());
        http_.at(std::chrono::steady_clock::now() + PracticeWatch::between_looks,
                 [this] { watch_practice(); });
    }

    MeasurementView view_;
    PracticeWatch practice_;
    MeasurementRpc rpc_;
    runtime::HttpClient& http_;
};

}  // namespace

runtime::ServiceDefinition service() {
    runtime::ServiceDefinition definition;
    definition.name = "measurement";
    definition.upstreams = {"drafting", "approval", "publishing", "trigger"};
    const auto chosen = std::make_shared<MeasurementSettings>();
    definition.declare = [chosen](runtime::Settings& settings) { chosen->declare(settings); };
    definition.problem = [chosen](const runtime::RuntimeConfig& config) {
        return problem_of(*chosen, config);
    };
    definition.rules = [](const runtime::RuntimeConfig&) {
        return std::make_unique<runtime::RulesOf<Decider>>();
    };
    definition.make = [chosen](runtime::Surroundings& surroundings) {
        return std::make_unique<MeasurementService>(*chosen, surroundings);
    };
    return definition;
}

}  // namespace tocsin::measurement
