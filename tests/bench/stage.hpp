// Where the benchmarks play: a scratch folder with keys, the Kafka, and the programs under test.
#pragma once

#include "bench/program.hpp"
#include "runtime/kafka/kafka.hpp"

#include <grpcpp/grpcpp.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::bench {

using Settings = std::vector<std::pair<std::string, std::string>>;

// A service that runs and the connection to it.
struct Running {
    std::unique_ptr<Program> program;
    std::map<std::string, int> ports;
    std::shared_ptr<grpc::Channel> channel;

    // Waits until `service` has folded its history.
    void await_serving(const std::string& service);
};

class Stage {
public:
    // `programs`: the folder with the built programs. Refuses a Kafka on which Tocsin lives. Smoke:
    // so little of everything that the figures mean nothing and only the way there is shown.
    enum class Dose { full, smoke };
    Stage(std::string programs, const std::string& bootstrap, Dose dose);
    ~Stage();

    // Starts `tocsin-<name>` and connects to it; it may not serve yet.
    Running start(const std::string& name, const std::string& world, const std::string& instance,
                  const Settings& more = {});
    Running start_echo();
    // Starts a program that is not of the build; its log is among tails().
    std::unique_ptr<Program> start_other(const std::string& path, const std::string& name,
                                         const std::vector<std::string>& arguments);
    std::shared_ptr<grpc::Channel> connect(int port) const;

    // A bearer token of somebody of `agency` in `realm`, with `roles`; of no realm where that is
    // empty.
    std::string token(const std::string& subject, const std::string& realm,
                      const std::vector<std::string>& roles,
                      const std::string& agency = "city") const;
    // The topics of a service as the services themselves create them.
    void create_topics(const std::string& world, const std::string& service,
                       const std::vector<std::string>& streams = {}) const;

    // Deletes all topics of Tocsin, which the benchmarks before left; none of its programs may run.
    void clear() const;

    template <class Amount>
    Amount dose(Amount full, Amount smoke) const {
        return dose_ == Dose::full ? full : smoke;
    }

    // The last lines of the programs started last, for whoever must find out what went wrong.
    std::string tails() const;

    // Writes a file into the scratch folder; its path.
    std::string file(const std::string& name, const std::string& text) const;

    const runtime::KafkaAccess& kafka() const { return kafka_; }
    const std::string& folder() const { return folder_; }
    const std::string& mac_key() const { return mac_key_; }
    static constexpr int partitions = 8;

private:
    Running run(const std::string& program, const std::string& name, const std::string& argument);
    std::string new_log(const std::string& name);

    std::string programs_;
    Dose dose_;
    runtime::KafkaAccess kafka_;
    std::string folder_;
    std::string mac_key_;
    std::string issuer_key_;
    int started_ = 0;
    std::deque<std::string> logs_;  // of the programs started last
};

// What a benchmark says on standard error while it runs.
void say(const std::string& text);

}  // namespace tocsin::bench
