// The way from the processes of publishing to the public channels: requests that are refused, lost
// or late, answers that never come, servers that fail after they did their work.
#pragma once

#include "sim/public_channels.hpp"
#include "sim/surroundings.hpp"

#include <functional>
#include <map>
#include <string>

namespace tocsin::sim {

class PublishingProcess;

class Network final : public Actor {
public:
    Network(Surroundings& around, PublicChannels& channels)
        : around_(around), channels_(channels) {}

    // A process that hears answers, by its incarnation; null: it is gone.
    void connect(const std::string& incarnation, PublishingProcess* process);
    // Answered through complete() of the process, if it is still there.
    void send(const std::string& incarnation, int exchange, runtime::HttpRequest request);
    void set_failing(double probability) { failing_ = probability; }

    // What must hold before the first byte leaves: what is wrong, or empty.
    std::function<std::string(const std::string& incarnation, const runtime::HttpRequest&)>
        fault_of;

    Tick due() const override { return later_.empty() ? Tick::max() : later_.begin()->first; }
    void turn() override;

private:
    void write(const std::string& incarnation, int exchange, runtime::HttpRequest request);
    void reply(const std::string& incarnation, int exchange, milliseconds after,
               runtime::HttpResult result);
    runtime::HttpResponse serve(const runtime::HttpRequest& request, bool spoilt);
    milliseconds some(int most) { return milliseconds(1 + around_.below(most)); }

    Surroundings& around_;
    PublicChannels& channels_;
    double failing_ = .3;
    std::map<std::string, PublishingProcess*> processes_;
    std::multimap<Tick, std::move_only_function<void()>> later_;
};

}  // namespace tocsin::sim
