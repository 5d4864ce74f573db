// Logs: one JSON object a line on stderr. ERROR pages someone, WARN is looked at first, INFO is a
// change of state, DEBUG is for a search for a fault. Fields rather than prose; never a token, a
// secret or a message's text above DEBUG. Safe from any thread; never throws; escapes everything.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace tocsin::runtime::logs {

class Value {
public:
    Value(std::string_view text) : value_(std::string(text)) {}
    Value(const char* text) : value_(std::string(text)) {}
    Value(const std::string& text) : value_(text) {}
    Value(bool flag) : value_(flag) {}
    template <class Number>
        requires std::is_arithmetic_v<Number> && (!std::is_same_v<Number, bool>)
    Value(Number number) {
        if constexpr (std::is_floating_point_v<Number>)
            value_ = static_cast<double>(number);
        else
            value_ = static_cast<std::int64_t>(number);
    }
    const auto& get() const { return value_; }

private:
    std::variant<std::string, std::int64_t, double, bool> value_;
};

using Fields = std::initializer_list<std::pair<std::string_view, Value>>;

// `level`: debug, info, warn or error. Until called, INFO and above are written for `tocsin`.
// From then on gRPC and protobuf write such lines too.
void start(std::string_view service, std::string_view level);
// The trace id in a W3C `traceparent`, for the field `trace_id`; empty when it is none.
std::string trace_id(std::string_view traceparent);
// Whether DEBUG is written: in code that runs often, its fields are made only then.
bool debugging();
void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

}  // namespace tocsin::runtime::logs
