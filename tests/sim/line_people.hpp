// Who asks what of the line: people who draft, review, remark and put rules, rightly and wrongly,
// by the world's dice.
#pragma once

#include "approval/decider.hpp"
#include "drafting/decider.hpp"
#include "publishing/decider.hpp"
#include "runtime/ledger/record.hpp"
#include "sim/line_cast.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::sim {

class LineWorld;

inline const std::string line_realm = "bow";

class LinePeople {
public:
    explicit LinePeople(LineWorld& world) : world_(world) {}

    void act();
    // What is under way is brought to its end: texts in review by those who may approve them.
    void finish();
    bool finished();
    // Commands whose verdict shows the state of a service.
    std::vector<std::string> probes(std::string_view service);

private:
    void set_up();
    void put_channel(const std::string& id, const std::string& kind);
    void draft();
    void change(const std::string& id, const drafting::Message& message);
    void review(const std::string& id);
    void approve(const approval::v1::Review& review, const Person& who, bool right);
    void give_up(const approval::v1::Review& review);
    void remark();
    void change_rule();
    void put_rule(const std::string& id, const trigger::v1::Rule* known);
    void stop_release();
    void change_roster();
    void change_channel();
    void forge();

    void ask(std::string_view service, const Person& who,
             const google::protobuf::MessageLite& command);
    runtime::Submission submission(const Person& who, const std::string& request_id,
                                   const std::string& body, runtime::Time expires);
    std::string value_of(const Person& who, const std::string& request_id, const std::string& body,
                         runtime::Time expires, const runtime::Seal& seal);
    bool now_and_then(const std::string& what, int ticks);
    const Person& anybody();

    LineWorld& world_;
    std::map<std::string, std::int64_t> again_at_;
    std::map<std::string, int> tries_;
    int requests_ = 0;
    int messages_ = 0;
};

}  // namespace tocsin::sim
