// The bytes that all services hash, approve and pass on.
#pragma once

#include <tocsin/content/v1/content.pb.h>

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace tocsin::content {

using v1::Area;
using v1::ChannelText;
using v1::Content;
using v1::Draft;
using v1::Evidence;
using v1::Fixed;
using v1::Reference;
using v1::Rendition;
using v1::Text;

// Longest serialised content that may be submitted: every record that it leads to holds it once
// (a crossing's holds the draft beside it), with room to spare (runtime/base/record_limits.hpp).
inline constexpr std::size_t content_bytes_max = std::size_t{256} * 1024;
// Kept free beside the draft: for names, and references with 20 alerts. Where it goes takes from
// that, and from what the draft leaves.
inline constexpr std::size_t content_frame_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t draft_bytes_max = content_bytes_max - content_frame_bytes_max;
// Longest body for one delivery: it is kept in a record of its own.
inline constexpr std::size_t rendition_bytes_max = 600'000;
// As in content.proto.
inline constexpr int languages_max = 10;

// The one form in which `content` is stored: equal contents give equal bytes.
std::string serialise(const Content& content);

// Lower-case hexadecimal SHA-256.
std::string digest(std::string_view bytes);

// Reads what `serialise` wrote and nothing else, so that digest(serialise(parse(bytes))) is always
// digest(bytes). The error is a sentence for a person.
std::expected<Content, std::string> parse(std::string_view bytes);

}  // namespace tocsin::content
