// Wall-clock time as the ledger records it: microseconds since 1970 in UTC.
// Pure: nothing here reads a clock.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

namespace tocsin::runtime {

using Time = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

inline Time from_proto(const google::protobuf::Timestamp& stamp) {
    return Time{std::chrono::seconds{stamp.seconds()} +
                std::chrono::microseconds{stamp.nanos() / 1000}};
}

inline google::protobuf::Timestamp to_proto(Time time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    google::protobuf::Timestamp stamp;
    stamp.set_seconds(seconds.time_since_epoch().count());
    stamp.set_nanos(static_cast<int32_t>((time - seconds).count() * 1000));
    return stamp;
}

}  // namespace tocsin::runtime
