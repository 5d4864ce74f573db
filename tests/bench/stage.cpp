#include "bench/stage.hpp"

#include "bench/floor.hpp"
#include "bench/waiting.hpp"
#include "runtime/base/digest.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/edge/jwk.hpp"
#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grpcpp/generic/generic_stub.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

void say(const std::string& text) { std::cerr << "bench: " << text << std::endl; }

// grpc.health.v1.Health/Check, whose stub Debian does not ship: a request of one string field and
// an answer of one enumeration.
static bool serving(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
    std::string bytes = "\x0a";
    bytes += static_cast<char>(service.size());
    const grpc::Slice slice(bytes + service);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer answer;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 2s);
    context.set_wait_for_ready(true);
    std::promise<grpc::Status> done;
    grpc::GenericStub stub(channel);
    stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &answer,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    grpc::Slice whole;
    return done.get_future().get().ok() && answer.DumpToSingleSlice(&whole).ok() &&
           std::string(whole.begin(), whole.end()) == "\x08\x01";
}

void Running::await_serving(const std::string& service) {
    const bool there =
        wait_until(600s, [&] { return !program->running() || serving(channel, service); });
    if (!there || !program->running()) throw std::runtime_error(service + " did not come to serve");
}

static std::vector<std::string> own_topics(const runtime::KafkaAccess& kafka) {
    std::vector<std::string> names = topic_names(kafka);
    std::erase_if(names, [](const std::string& name) { return !name.contains("tocsin."); });
    return names;
}

Stage::Stage(std::string programs, const std::string& bootstrap, Dose dose)
    : programs_(std::move(programs)), dose_(dose), kafka_{bootstrap, {}} {
    if (const auto there = own_topics(kafka_); !there.empty())
        throw std::runtime_error(
            fmt::format("{} has the topic {}: benchmarks fill the ledgers and need a Kafka "
                        "on which Tocsin does not live",
                        bootstrap, there.front()));
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-bench.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
    folder_ = pattern;
    mac_key_ = runtime::sha256(runtime::new_uuid_v7());
    issuer_key_ = runtime::make_issuer_key_pem();
    file("mac.key", runtime::hex(mac_key_) + "\n");
    file("jwks.json", runtime::jwks_of_pem(issuer_key_));
    file("credentials.key", runtime::hex(runtime::sha256(mac_key_)) + "\n");
}

Stage::~Stage() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void Stage::clear() const { delete_topics(kafka_, own_topics(kafka_)); }

std::string Stage::file(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    return path;
}

std::shared_ptr<grpc::Channel> Stage::connect(int port) const {
    grpc::ChannelArguments arguments;
    // A connection of its own: no two channels share one.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port),
                                     grpc::InsecureChannelCredentials(), arguments);
}

Running Stage::start(const std::string& name, const std::string& world, const std::string& instance,
                     const Settings& more) {
    const std::string run = fmt::format("{}-{}", name, ++started_);
    Settings settings{{"world", world},
                      {"instance", instance},
                      {"kafka-bootstrap", kafka_.bootstrap},
                      {"kafka-partitions", std::to_string(partitions)},
                      {"mac-key-file", folder_ + "/mac.key"},
                      {"jwks", folder_ + "/jwks.json"},
                      {"grpc-listen", "127.0.0.1:0"},
                      {"metrics-listen", "127.0.0.1:0"},
                      {"ports-file", folder_ + "/" + run + ".ports"}};
    settings.insert(settings.end(), more.begin(), more.end());
    std::string text;
    for (const auto& [key, value] : settings) text += fmt::format("{}={}\n", key, value);
    return this->run("tocsin-" + name, run, "--config=" + file(run + ".conf", text));
}

Running Stage::start_echo() {
    const std::string run = fmt::format("echo-{}", ++started_);
    return this->run("tocsin-bench-echo", run, folder_ + "/" + run + ".ports");
}

Running Stage::run(const std::string& program, const std::string& name,
                   const std::string& argument) {
    Running running;
    running.program =
        std::make_unique<Program>(programs_ + "/" + program, std::vector{argument}, new_log(name));
    running.ports = running.program->read_ports(folder_ + "/" + name + ".ports");
    running.channel = connect(running.ports.at("grpc"));
    return running;
}

std::unique_ptr<Program> Stage::start_other(const std::string& path, const std::string& name,
                                            const std::vector<std::string>& arguments) {
    return std::make_unique<Program>(path, arguments, new_log(name));
}

std::string Stage::new_log(const std::string& name) {
    logs_.push_back(folder_ + "/" + name + ".log");
    if (logs_.size() > 3) logs_.pop_front();
    return logs_.back();
}

std::string Stage::tails() const {
    std::string text;
    for (const std::string& log : logs_) {
        std::deque<std::string> lines;
        std::ifstream file(log);
        for (std::string line; std::getline(file, line);) {
            lines.push_back(line);
            if (lines.size() > 10) lines.pop_front();
        }
        text += fmt::format("last lines of {}:\n  {}\n", log, fmt::join(lines, "\n  "));
    }
    return text;
}

std::string Stage::token(const std::string& subject, const std::string& realm,
                         const std::vector<std::string>& roles, const std::string& agency) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    nlohmann::json claims{{"iss", "tocsin-dev"},
                          {"aud", "tocsin"},
                          {"sub", subject},
                          {"roles", roles},
                          {"iat", now.time_since_epoch().count()},
                          {"exp", (now + 1h).time_since_epoch().count()}};
    if (!realm.empty()) claims.update({{"realm", realm}, {"agency", agency}});
    return runtime::issue_token(issuer_key_, claims.dump());
}

void Stage::create_topics(const std::string& world, const std::string& service,
                          const std::vector<std::string>& streams) const {
    runtime::TopicAdmin admin(kafka_);
    const auto brokers = admin.brokers(10s);
    if (!brokers) throw std::runtime_error("Kafka does not answer: " + brokers.error());
    const int replicas = std::min(static_cast<int>(brokers->size()), 3);
    auto fits = admin.ensure(runtime::topics_of({world, partitions, replicas}, service, streams),
                             replicas, false);
    if (!fits) throw std::runtime_error(fits.error().text);
}

}  // namespace tocsin::bench
