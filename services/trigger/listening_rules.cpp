#include "trigger/listening_rules.hpp"

#include "runtime/ledger/stream_listener.hpp"
#include "trigger/decider.hpp"

#include <optional>
#include <utility>

namespace tocsin::trigger {
namespace {

class ListeningRules final : public runtime::RulesOf<Decider>, public runtime::StreamListener {
public:
    explicit ListeningRules(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}

    std::optional<ledger::v1::Accepted> react(const runtime::Foreign& foreign,
                                              Time now) const override {
        heard_->met(foreign);
        return RulesOf::react(foreign, now);
    }
    // How the series stands all the same.
    void passed(const runtime::Foreign& record) const override { heard_->recall(record); }
    std::unique_ptr<runtime::Rules> fresh() const override {
        return std::make_unique<ListeningRules>(heard_);
    }

private:
    std::shared_ptr<Heard> heard_;
};

}  // namespace

std::unique_ptr<runtime::Rules> listening_rules(std::shared_ptr<Heard> heard) {
    return std::make_unique<ListeningRules>(std::move(heard));
}

}  // namespace tocsin::trigger
