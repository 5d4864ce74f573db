// The bytes that everybody hashes, approves and passes on.
#pragma once

#include <tocsin/content/v1/content.pb.h>

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

// The one form in which `content` is stored: equal contents give equal bytes.
std::string serialise(const Content& content);

// Lower-case hexadecimal SHA-256.
std::string digest(std::string_view bytes);

// Reads what `serialise` wrote and nothing else, so that digest(serialise(parse(bytes))) is always
// digest(bytes). The error is a sentence for a person.
std::expected<Content, std::string> parse(std::string_view bytes);

}  // namespace tocsin::content
