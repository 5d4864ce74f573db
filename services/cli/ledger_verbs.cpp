#include "cli/ledger_verbs.hpp"

#include "cli/failure.hpp"
#include "cli/ledger_chain.hpp"
#include "cli/ledger_lines.hpp"
#include "cli/table.hpp"
#include "runtime/kafka/kafka.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/world_key.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <iostream>
#include <thread>

namespace tocsin::cli {

using std::chrono::milliseconds;

namespace {

runtime::WorldKeys world_keys(const Options& options) {
    if (options.mac_key_file.empty())
        throw Failure(
            Exit::usage,
            "the world's keys are needed: give --mac-key-file or set TOCSIN_MAC_KEY_FILE");
    auto keys = runtime::read_world_keys(options.mac_key_file);
    if (!keys) throw Failure(Exit::usage, "--mac-key-file: " + keys.error());
    return std::move(*keys);
}

runtime::KafkaAccess kafka_access(const Options& options) {
    if (options.kafka_bootstrap.empty())
        throw Failure(Exit::usage,
                      "the address of Kafka is not set: give --kafka-bootstrap or set "
                      "TOCSIN_KAFKA_BOOTSTRAP");
    runtime::KafkaAccess access{options.kafka_bootstrap, {}};
    if (options.kafka_properties.empty()) return access;
    auto properties = runtime::read_properties(options.kafka_properties);
    if (!properties) throw Failure(Exit::usage, properties.error());
    access.properties = std::move(*properties);
    return access;
}

// Reads partitions of one topic from their beginning and hands every record on.
class TopicWalk : runtime::KafkaReader::Sink {
public:
    using Each = std::function<void(int partition, std::int64_t offset, std::string_view record)>;

    TopicWalk(const Options& options, std::string topic)
        : topic_(std::move(topic)),
          event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
          reader_(kafka_access(options), event_, milliseconds(100)),
          ends_(static_cast<std::size_t>(options.partitions), 0),
          broken_(ends_.size()) {
        for (int partition = 0; partition < options.partitions; ++partition) {
            const auto range = range_of(partition, milliseconds(10'000));
            if (!range)
                throw Failure(
                    Exit::failure,
                    fmt::format("{} partition {} cannot be read: check that Kafka is up, and that "
                                "the service runs with {} partitions (--partitions)",
                                topic_, partition, options.partitions));
            ends_[static_cast<std::size_t>(partition)] = range->high;
            reader_.start(partition, topic_, partition, 0);
        }
        refuse_left_out(options.partitions);
    }
    ~TopicWalk() override { close(event_); }
    TopicWalk(const TopicWalk&) = delete;

    // Where the partition ended when the walk began.
    std::int64_t end(int partition) const { return ends_[static_cast<std::size_t>(partition)]; }

    // What kept the partition from being read to its end, such as bytes that the disk changed.
    const std::string& broken(int partition) const {
        return broken_[static_cast<std::size_t>(partition)];
    }

    // Until all that was there at the beginning is read, or for ever.
    void run(bool follow, Each each) {
        each_ = std::move(each);
        reached_.assign(ends_.begin(), ends_.end());
        waiting_ = 0;
        for (std::int64_t& left : reached_) waiting_ += left > 0 ? 1 : 0;
        auto last = std::chrono::steady_clock::now();
        while (follow || waiting_ > 0) {
            if (reader_.poll(*this, 1000)) {
                last = std::chrono::steady_clock::now();
                continue;
            }
            if (!reader_.fatal().empty()) throw Failure(Exit::failure, reader_.fatal());
            if (!follow && std::chrono::steady_clock::now() - last > std::chrono::seconds(20))
                throw Failure(Exit::timeout, fmt::format("{}: Kafka sends nothing more", topic_));
            std::uint64_t unused = 0;
            pollfd wait{event_, POLLIN, 0};
            ::poll(&wait, 1, 100);
            [[maybe_unused]] const auto got = ::read(event_, &unused, sizeof unused);
        }
    }

private:
    // What is left out is not verified, so that it must not be left out by mistake. Partitions that
    // a topic has to spare never held anything: each that is used begins with a record.
    void refuse_left_out(int from) {
        for (int partition = from;; ++partition) {
            const auto range = reader_.range(topic_, partition, milliseconds(2'000));
            if (!range) return;
            if (range->high > 0)
                throw Failure(
                    Exit::usage,
                    fmt::format("{} partition {} is used, and would be left out of {}: give the "
                                "number of partitions that the service runs with (--partitions)",
                                topic_, partition, from));
        }
    }

    // A broker that has just started does not know each partition yet, and answers that at once.
    std::optional<runtime::LogRange> range_of(int partition, milliseconds wait) {
        const auto until = std::chrono::steady_clock::now() + wait;
        for (;;) {
            const auto left =
                std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
            if (left <= milliseconds(0)) return std::nullopt;
            if (const auto range = reader_.range(topic_, partition, left)) return range;
            std::this_thread::sleep_for(std::min(left, milliseconds(100)));
        }
    }

    void on_record(int source, std::int64_t offset, std::string_view, std::string_view value,
                   runtime::Time) override {
        const auto index = static_cast<std::size_t>(source);
        each_(source, offset, value);
        if (reached_[index] > 0 && offset + 1 >= reached_[index]) done(index);
    }
    void on_end(int source, std::int64_t offset) override {
        const auto index = static_cast<std::size_t>(source);
        if (reached_[index] > 0 && offset >= reached_[index]) done(index);
    }
    void on_out_of_range(int source) override {
        throw Failure(Exit::failure, fmt::format("{} partition {} does not begin at offset 0: its "
                                                 "beginning is gone",
                                                 topic_, source));
    }
    // Only what concerns the partition itself comes here; a broker that is away is waited for.
    void on_trouble(int source, const std::string& what) override {
        const auto index = static_cast<std::size_t>(source);
        if (!broken_[index].empty()) return;
        broken_[index] = what;
        std::cerr << topic_ << " partition " << source << ": " << what << "\n";
        if (reached_[index] > 0) done(index);
    }
    void done(std::size_t index) {
        reached_[index] = 0;
        --waiting_;
    }

    std::string topic_;
    int event_;
    runtime::KafkaReader reader_;
    std::vector<std::int64_t> ends_;
    std::vector<std::string> broken_;
    std::vector<std::int64_t> reached_;
    int waiting_ = 0;
    Each each_;
};

struct NotedHead {
    std::string service;
    int partition = 0;
    std::string digest;
};

NotedHead noted_head(const std::string& text) {
    const auto slash = text.find('/');
    const auto equals = text.find('=', slash == std::string::npos ? 0 : slash);
    if (slash != std::string::npos && equals != std::string::npos) {
        const std::string number = text.substr(slash + 1, equals - slash - 1);
        const auto digest = runtime::unhex(text.substr(equals + 1));
        const bool digits = !number.empty() && number.size() < 5 &&
                            number.find_first_not_of("0123456789") == std::string::npos;
        if (digits && digest && digest->size() == 32)
            return {text.substr(0, slash), std::stoi(number), *digest};
    }
    throw Failure(Exit::usage, fmt::format("--head {}: service/partition=HEX is expected", text));
}

struct Verified {
    std::string service;
    int partition = 0;
    std::int64_t records = 0;
    std::string fault;
    std::int64_t counted = 0, void_records = 0, foreign = 0;
    std::string head, key_id;
    std::vector<std::pair<std::int64_t, std::string>> key_changes;
};

std::vector<Verified> verify(const Options& options, const std::string& service,
                             const runtime::WorldKeys& keys, const std::vector<NotedHead>& heads) {
    const std::string topic = runtime::ledger_topic(options.world, service);
    std::deque<LedgerChain> chains;
    for (int partition = 0; partition < options.partitions; ++partition)
        chains.emplace_back(topic, partition, keys);
    std::vector<Verified> results(chains.size());
    TopicWalk walk(options, topic);
    walk.run(false, [&](int partition, std::int64_t offset, std::string_view record) {
        // Only what was there when the walk began: it is one consistent end for all.
        if (offset >= walk.end(partition)) return;
        chains[static_cast<std::size_t>(partition)].add(offset, record);
        ++results[static_cast<std::size_t>(partition)].records;
    });
    for (std::size_t index = 0; index < chains.size(); ++index) {
        Verified& result = results[index];
        const LedgerChain& chain = chains[index];
        const int partition = static_cast<int>(index);
        result = {service,         partition,
                  result.records,  chain.fault(),
                  chain.counted(), chain.void_records(),
                  chain.foreign(), chain.counted() > 0 ? runtime::hex(chain.head()) : "",
                  chain.key_id(),  chain.key_changes()};
        if (const std::string& broken = walk.broken(partition); !broken.empty())
            result.fault = fmt::format("cannot be read: {}", broken);
        else if (result.fault.empty() && result.records == 0 && walk.end(partition) > 0)
            result.fault = "its records are not there";
        for (const NotedHead& head : heads)
            if (head.service == service && head.partition == partition &&
                !chain.has_counted(head.digest) && result.fault.empty())
                result.fault = "the head noted elsewhere is not among what counts";
    }
    return results;
}

}  // namespace

void tail_ledger(const Options& options, const TailPlan& plan) {
    const runtime::WorldKeys keys = world_keys(options);
    const std::string topic = runtime::ledger_topic(options.world, plan.service);
    std::deque<LedgerChain> chains;
    for (int partition = 0; partition < options.partitions; ++partition)
        chains.emplace_back(topic, partition, keys);
    TopicWalk walk(options, topic);
    // Read from the beginning in any case: whether a record counts hangs on all before it.
    walk.run(plan.follow, [&](int partition, std::int64_t offset, std::string_view record) {
        const auto seen = chains[static_cast<std::size_t>(partition)].add(offset, record);
        if (!plan.from_start && offset < walk.end(partition) - 20) return;
        if (options.json)
            std::cout << json_of(plan.service, partition, offset, seen).dump() << "\n";
        else
            std::cout << line_of(plan.service, partition, offset, seen) << "\n";
        check_output();
    });
}

bool verify_ledgers(const Options& options, const std::vector<std::string>& services,
                    const std::vector<std::string>& heads) {
    const runtime::WorldKeys keys = world_keys(options);
    std::vector<NotedHead> noted;
    noted.reserve(heads.size());
    for (const std::string& head : heads) noted.push_back(noted_head(head));
    Json rows = Json::array();
    bool verified = true;
    for (const std::string& service : services)
        for (const Verified& one : verify(options, service, keys, noted)) {
            verified = verified && one.fault.empty();
            Json changes = Json::array();
            for (const auto& [offset, key] : one.key_changes)
                changes.push_back(
                    {{"position", fmt::format("{}/{}/{}", service, one.partition, offset)},
                     {"keyId", key}});
            rows.push_back({{"service", one.service},
                            {"partition", one.partition},
                            {"records", one.records},
                            {"counted", one.counted},
                            {"void", one.void_records},
                            {"foreign", one.foreign},
                            {"head", one.head},
                            {"keyId", one.key_id},
                            {"keyChanges", changes},
                            {"verified", one.fault.empty()},
                            {"fault", one.fault}});
        }
    if (options.json) {
        std::cout << Json{{"verified", verified}, {"partitions", rows}}.dump(2) << "\n";
        return verified;
    }
    print_table(rows, {{"SERVICE", "service"},
                       {"PARTITION", "partition", Column::number},
                       {"COUNTED", "counted", Column::number},
                       {"VOID", "void", Column::number},
                       {"FOREIGN", "foreign", Column::number},
                       {"KEY", "keyId"},
                       {"HEAD", "head"},
                       {"VERIFIED", "verified"},
                       {"FAULT", "fault"}});
    for (const Json& row : rows)
        for (const Json& change : row["keyChanges"])
            std::cout << fmt::format("{}  key_changed {}\n", cell(change, "position"),
                                     cell(change, "keyId"));
    std::cerr << (verified ? "verified\n" : "NOT verified\n");
    return verified;
}

}  // namespace tocsin::cli
