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

    void start() override;
    void crash() override;
    void history_changed() override;

private:
    struct Claim {
        int attempt = 0;
        std::int64_t seen = 0;
        bool mine = false;  // to be executed
    };

    void act() override;
    void follow(const ledger::v1::Decision& decision) override;
    std::string command_of(const runtime::Orders::Fire& fire) override;
    bool may_ask(const std::string& delivery);
    void resolve(const std::string& delivery, const Claim& claim);
    void ask(const std::string& realm, const std::string& id, const std::string& body);
    void follow(const std::string& realm, const std::string& event);

    World& world_;
    std::string executor_;
    // What may be claimed, what is claimed, and when it first asked for a claim.
    std::map<std::string, std::string> realm_of_;
    std::map<std::string, int> armed_;
    std::map<std::string, Claim> claimed_;
    std::map<std::pair<std::string, int>, std::int64_t> asked_at_;
    std::map<std::string, std::int64_t> ask_again_at_;
    // What it did, or gave up, whatever is told again.
    std::set<std::pair<std::string, int>> done_;
    int asked_ = 0;
};

}  // namespace tocsin::sim
