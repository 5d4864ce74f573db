// One partition of a LedgerProcess and its observers: views, waiting calls. Ledger thread only, but
// for what folds its backlog.
#pragma once

#include "runtime/host/logs.hpp"
#include "runtime/ledger/ledger_process.hpp"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <set>

namespace tocsin::runtime {

struct LedgerProcess::Slot final : PartitionObserver {
    Slot(LedgerProcess& owner, PartitionOptions options, const WorldKeys& keys,
         std::unique_ptr<Rules> rules, std::vector<View*>& views)
        : process(owner),
          number(options.partition),
          partition(std::move(options), keys, std::move(rules), *this),
          all_views(views),
          inputs_alarm(owner.inputs_.size()) {}

    // Why it stands still: what the partition says, or what broke around it.
    const std::string& halted() const { return broken.empty() ? partition.halted() : broken; }
    Halt halted_for() const { return broken.empty() ? partition.halted_for() : Halt::other; }
    // For good: what was half done cannot be undone, and only a start from the logs is whole again.
    void breaks(std::string why) {
        if (broken.empty()) broken = std::move(why);
    }

    // Whatever fails in one partition is that partition's; the others and their callers go on.
    template <class Work>
    void guard(Work work) {
        if (!broken.empty()) return;
        try {
            work();
        } catch (const std::exception& error) {
            breaks(fmt::format("fold_failed: {}", error.what()));
        }
    }

    void counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                 const std::string& /*digest*/) override {
        if (!broken.empty()) return;
        const std::string& service = input < 0
                                         ? process.plan_.service
                                         : process.inputs_[static_cast<std::size_t>(input)].service;
        const Counted what{service,  number, offset, from_proto(decision.decided_at()),
                           decision, live};
        try {
            for (View* view : all_views) view->apply(what);
        } catch (const std::exception& error) {
            breaks(
                fmt::format("view_failed: at {}/{}/{}: {}", service, number, offset, error.what()));
        }
        if (input >= 0) return;
        if (live) log_news(offset, decision);
        if (decision.has_input_restarted()) recorded(Word::restart_inputs, offset);
        if (decision.has_clock_overridden()) recorded(Word::override_clock, offset);
    }

    // What the partition itself recorded and operators need to know.
    void log_news(std::int64_t offset, const ledger::v1::Decision& decision) const {
        const std::string where = Position{process.plan_.service, number, offset}.text();
        for (const auto& place : decision.inputs_rewound().inputs())
            logs::error("an input lost records that had been decided on, and was set back",
                        {{"position", where},
                         {"topic", place.topic()},
                         {"next_offset", place.next_offset()}});
        if (decision.has_key_changed())
            logs::info("a partition is signed with another key from here on",
                       {{"position", where}, {"key_id", decision.key_changed().key_id()}});
    }

    // Of its ledger, until it is live: read, and to be folded. A record, or the end of the log
    // where there is none.
    struct Read {
        std::int64_t offset = 0;
        std::optional<std::string> record;
    };
    void add_to_backlog(std::int64_t offset, std::optional<std::string> record) {
        if (record) backlog_bytes += record->size();
        backlog.push_back({offset, std::move(record)});
    }
    // On the ledger thread or, for one partition each, on several that it waits for.
    void fold_next(Tick tick) {
        const Read next = std::move(backlog.front());
        backlog.pop_front();
        if (next.record) backlog_bytes -= next.record->size();
        guard([&] {
            if (next.record)
                partition.on_ledger_record(next.offset, *next.record, tick);
            else
                partition.on_ledger_end(next.offset);
        });
    }
    void fold_whole_backlog(Tick tick) {
        while (!backlog.empty()) fold_next(tick);
    }
    void forget_backlog() {
        backlog.clear();
        backlog_bytes = 0;
    }

    // Its history was folded: what comes now is news.
    void go_live() {
        live = true;
        try {
            for (View* view : all_views) view->folded(number);
        } catch (const std::exception& error) {
            breaks(fmt::format("view_failed: once folded: {}", error.what()));
        }
    }

    // Nothing of it can be read any more. A view that fails here has failed already.
    void halts() {
        try {
            for (View* view : all_views) view->halted(number);
        } catch (const std::exception& error) {
            breaks(fmt::format("view_failed: once halted: {}", error.what()));
        }
    }

    // Answers the operators whose order that is.
    void recorded(Word word, std::int64_t offset) {
        end_words({Obeyed::Kind::recorded, {}, offset},
                  [&](const Waiting& one) { return one.word == word; });
    }
    // Answers those whose order was not recorded until `tick`.
    void give_up_words(Tick tick) {
        end_words({Obeyed::Kind::not_yet, {}, -1},
                  [&](const Waiting& one) { return one.until <= tick; });
    }
    void end_words(const Obeyed& obeyed, const auto& ends) {
        std::vector<Waiting> left;
        for (Waiting& one : std::exchange(words, {}))
            if (ends(one))
                one.done(obeyed);
            else
                left.push_back(std::move(one));
        words = std::move(left);
    }

    void answered(const std::string& key, const std::string& body_digest,
                  const Remembered& remembered) override {
        if (!broken.empty()) return;
        Answer answer;
        answer.kind = remembered.rejection ? Answer::Kind::rejected : Answer::Kind::accepted;
        answer.subject = remembered.subject;
        answer.etag = remembered.etag;
        if (remembered.rejection) answer.rejection = *remembered.rejection;
        answer.position = {process.plan_.service, number, remembered.offset};
        answer.decided_at = remembered.decided_at;
        process.waiters_.answer(awaited_key(number, key), body_digest, answer);
    }

    void history_changed() override {
        // First: nothing may be answered from views that start over.
        process.readable_[static_cast<std::size_t>(number)] = false;
        try {
            for (View* view : all_views) view->reset(number);
        } catch (const std::exception& error) {
            breaks(fmt::format("view_failed: on reset: {}", error.what()));
        }
        live = false;
        ++process.histories_[static_cast<std::size_t>(number)];
    }

    bool anybody_waits() const override { return process.waiters_.size() > 0; }

    struct Waiting {
        Word word;
        Tick until;
        std::move_only_function<void(Obeyed)> done;
    };

    LedgerProcess& process;
    int number;
    Partition partition;
    std::vector<View*>& all_views;
    std::string broken;    // why the driver stopped it
    bool stopped = false;  // it is broken, and its sources are no longer read
    std::string writer;    // of the last decision, as last published
    std::string key_id;    // that signs commands; other threads read it under the process's mutex
    bool inputs_started = false;
    bool live = false;  // its history was folded
    std::deque<Read> backlog;
    std::size_t backlog_bytes = 0;          // of its records
    std::vector<Waiting> words;             // of operators who wait
    std::vector<std::string> inputs_alarm;  // why each input stands still, as last logged
    // The ranges of the inputs are being requested; answers to an older question are stale.
    bool asking_ranges = false;
    std::uint64_t question = 0;
    std::vector<std::optional<LogRange>> ranges;
    std::size_t ranges_left = 0;  // to be answered
    Tick next_attempt{};
};

}  // namespace tocsin::runtime
