// One partition of a LedgerProcess and what it tells: views, waiting calls. Ledger thread only.
#pragma once

#include "runtime/ledger_process.hpp"

#include <set>

namespace tocsin::runtime {

struct LedgerProcess::Slot final : PartitionObserver {
    Slot(LedgerProcess& owner, PartitionOptions options, const Mac& mac,
         std::unique_ptr<Rules> rules, std::vector<View*>& views)
        : process(owner),
          number(options.partition),
          partition(std::move(options), mac, std::move(rules), *this),
          all_views(views) {}

    void counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                 const std::string& /*digest*/) override {
        const std::string& service = input < 0
                                         ? process.plan_.service
                                         : process.inputs_[static_cast<std::size_t>(input)].service;
        const Counted what{service,  number, offset, from_proto(decision.decided_at()),
                           decision, live};
        for (View* view : all_views) view->apply(what);
        if (input < 0 && decision.has_input_restarted()) end_restarts(offset, Tick::max());
    }

    // Tells the operators whose word is recorded at `offset`, or was not recorded until `tick`.
    void end_restarts(std::optional<std::int64_t> offset, Tick tick) {
        std::vector<Restart> left;
        for (Restart& restart : std::exchange(restarts, {}))
            if (restart.until <= tick)
                restart.done({true, offset});
            else
                left.push_back(std::move(restart));
        restarts = std::move(left);
    }

    void answered(const std::string& key, const std::string& body_digest,
                  const Remembered& remembered) override {
        Answer answer;
        answer.kind = remembered.rejection ? Answer::Kind::rejected : Answer::Kind::accepted;
        answer.subject = remembered.subject;
        answer.etag = remembered.etag;
        if (remembered.rejection) answer.rejection = *remembered.rejection;
        answer.position = {process.plan_.service, number, remembered.offset};
        answer.decided_at = remembered.decided_at;
        process.waiters_.answer(key, body_digest, answer);
    }

    void history_changed() override {
        for (View* view : all_views) view->reset(number);
        ended.clear();
        live = false;
        ++process.histories_[static_cast<std::size_t>(number)];
    }

    bool anybody_waits() const override { return process.waiters_.size() > 0; }

    struct Restart {
        Tick until;
        std::move_only_function<void(Restarted)> done;
    };

    LedgerProcess& process;
    int number;
    Partition partition;
    std::vector<View*>& all_views;
    bool inputs_started = false;
    bool live = false;
    std::vector<Restart> restarts;  // operators who wait
    std::string alarm;              // why it stands still, as last logged
    Tick next_attempt{};
    std::set<int> ended;  // inputs that were read to their end once
};

}  // namespace tocsin::runtime
