#include "bench/pattern.hpp"

#include <fmt/format.h>
#include <google/protobuf/timestamp.pb.h>

namespace tocsin::bench {

Pattern::Pattern(std::string original, const Needles& needles) : original_(std::move(original)) {
    for (std::size_t i = 0; i < needles.size(); ++i)
        for (std::size_t at = original_.find(needles[i]); at != std::string::npos;
             at = original_.find(needles[i], at + needles[i].size()))
            places_.push_back({at, i});
}

std::string Pattern::copy(const std::vector<std::string>& values) const {
    std::string bytes = original_;
    for (const Place& place : places_) {
        const std::string& value = values[place.needle];
        bytes.replace(place.at, value.size(), value);
    }
    return bytes;
}

std::string numbered(std::string_view text, std::int64_t number) {
    constexpr std::size_t digits = 8;
    return std::string(text.substr(0, text.size() - digits)) + fmt::format("{:08}", number);
}

std::string timestamp_prefix(std::int64_t seconds) {
    google::protobuf::Timestamp timestamp;
    timestamp.set_seconds(seconds);
    return timestamp.SerializeAsString();
}

}  // namespace tocsin::bench
