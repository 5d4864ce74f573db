// One process of the service that was made for the simulator: it executes effects as well.
#pragma once

#include "sim/process.hpp"

#include <map>
#include <set>
#include <string>

namespace tocsin::sim {

class World;

class Instance final : public Process {
public:
    Instance(World& world, std::string name);

private:
    struct Claim {
        int attempt = 0;
        Tick seen{};
        bool mine = false;  // to be executed
    };

    void end() override;
    void after_turn() override;
    void follow(const runtime::Counted& counted) override;
    void forget(int partition) override;
    void follow(const std::string& realm, const std::string& event);
    void act();
    bool execute(const std::string& delivery, Claim& claim);
    bool may_ask(const std::string& delivery);
    void resolve(const std::string& delivery, const Claim& claim);
    void ask(const std::string& realm, const std::string& id, const std::string& body);

    World& world_;
    Tick act_at_{};
    // What may be claimed, what is claimed, and when it first asked for a claim.
    std::map<std::string, std::string> realm_of_, content_of_;
    std::map<std::string, int> armed_;
    std::map<std::string, Claim> claimed_;
    std::map<std::pair<std::string, int>, Tick> asked_at_;
    std::map<std::string, Tick> ask_again_at_;
    // What it did, or gave up, whatever is told again.
    std::set<std::pair<std::string, int>> done_;
    int asked_ = 0;
};

}  // namespace tocsin::sim
