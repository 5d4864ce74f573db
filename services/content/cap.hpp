// The Common Alerting Protocol 1.2 form of a message.
#pragma once

#include "content/content.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::content {

// A whole CAP 1.2 alert, with one `info` per language in the order of the content. The retraction
// is the Cancel of `fixed.retracts()`; without texts for it, a Cancel without `info`.
std::string cap_xml(const Content& content, const Fixed& fixed);
// Bytes that it has at the least, by its areas, which stand in each `info`.
std::size_t cap_bytes_least(const Content& content, const Fixed& fixed);

// The alert with its enveloped signature, as the last child of its root and nothing around it.
std::string signed_cap(std::string_view alert, std::string_view signature);
// Whether it can be one: an XML-DSig `Signature` and nothing else, of at most 65,536 bytes. That it
// is the right one, and well-formed, is for those to see who make it.
bool is_signature(std::string_view element);

// CAP dateTime: whole seconds, and UTC as `-00:00`, never `Z`.
std::string cap_time(const google::protobuf::Timestamp& time);
bool is_cap_time(std::string_view time);

// Whether `name` can be an `identifier` or a `sender`: no blanks, commas, `<` or `&`.
bool is_cap_name(std::string_view name);

// The `references` entry `sender,identifier,sent`.
std::string cap_reference(const Reference& reference);

// `msgType` and `references` of the alert that `fixed` makes of the content; no references: empty.
std::string cap_message_type(const Content& content, const Fixed& fixed);
std::string cap_references(const Content& content, const Fixed& fixed);

// The word on the wire. An exercise world makes any status Exercise; one that nobody set is Draft,
// which receivers do not act upon.
std::string_view cap_status(const Content& content);
std::string_view cap_word(v1::MessageType type);
std::string_view cap_word(v1::Category category);
std::string_view cap_word(v1::Urgency urgency);
std::string_view cap_word(v1::Severity severity);
std::string_view cap_word(v1::Certainty certainty);

}  // namespace tocsin::content
