#include "runtime/host/logs.hpp"

#include "runtime/base/invariant.hpp"

#include <fmt/chrono.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>

namespace tocsin::runtime::logs {

namespace {

struct Output {
    std::shared_ptr<spdlog::logger> logger = [] {
        auto made = std::make_shared<spdlog::logger>(
            "tocsin", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%v");
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    std::string service = "tocsin";
};

Output& output() {
    static Output made;
    return made;
}

std::string timestamp() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
    const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(seconds.count()), nanos.count());
}

// spdlog's patterns do not escape JSON, so the line is made here and handed over whole.
void write(spdlog::level::level_enum level, std::string_view name, std::string_view message,
           Fields fields) {
    Output& out = output();
    if (!out.logger->should_log(level)) return;
    try {
        nlohmann::ordered_json line;
        line["ts"] = timestamp();
        line["level"] = name;
        line["msg"] = message;
        line["service"] = out.service;
        line["version"] = TOCSIN_VERSION;
        for (const auto& [key, value] : fields)
            std::visit([&](const auto& plain) { line[std::string(key)] = plain; }, value.get());
        out.logger->log(
            level, line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    } catch (...) {
        // A log line is never worth a failure.
    }
}

// gRPC calls everything an error that a peer does wrong; for us a failed connection is debug
// information and pages nobody.
void grpc_says(gpr_log_func_args* said) {
    const Fields fields{{"text", said->message}};
    if (said->severity == GPR_LOG_SEVERITY_ERROR)
        warn("grpc", fields);
    else
        debug("grpc", fields);
}

void protobuf_says(google::protobuf::LogLevel level, const char*, int, const std::string& text) {
    const Fields fields{{"text", text}};
    if (level >= google::protobuf::LOGLEVEL_ERROR)
        warn("protobuf", fields);
    else
        debug("protobuf", fields);
}

void last_words(std::string_view message, std::string_view invariant, std::string_view place) {
    error(message, {{"invariant", invariant}, {"place", place}});
}

}  // namespace

void start(std::string_view service, std::string_view level) {
    output().service = service;
    output().logger->set_level(spdlog::level::from_str(std::string(level)));
    // Libraries would write lines of their own to standard error.
    gpr_set_log_function(grpc_says);
    google::protobuf::SetLogHandler(protobuf_says);
    set_last_words(last_words);
}

bool debugging() { return output().logger->should_log(spdlog::level::debug); }

std::string trace_id(std::string_view traceparent) {
    return traceparent.size() == 55 ? std::string(traceparent.substr(3, 32)) : std::string{};
}

void debug(std::string_view message, Fields fields) {
    write(spdlog::level::debug, "debug", message, fields);
}
void info(std::string_view message, Fields fields) {
    write(spdlog::level::info, "info", message, fields);
}
void warn(std::string_view message, Fields fields) {
    write(spdlog::level::warn, "warn", message, fields);
}
void error(std::string_view message, Fields fields) {
    write(spdlog::level::err, "error", message, fields);
}

}  // namespace tocsin::runtime::logs
