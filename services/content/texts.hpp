// Which words of a content are said, in which language, and how they are marked.
#pragma once

#include "content/content.hpp"

#include <string>
#include <string_view>

namespace tocsin::content {

using Texts = google::protobuf::RepeatedPtrField<Text>;

// The retraction where that is what is rendered, else the message.
const Texts& said(const Content& content, const Fixed& fixed);

// When what is said expires, as CAP writes it; empty where it does not say.
std::string expiry(const Content& content, const Fixed& fixed);

// Index of the text in `language`; -1 for none.
int find_text(const Texts& texts, std::string_view language);

// Index of the other words of `text` for a channel kind; -1 for none.
int find_channel_text(const Text& text, std::string_view kind);

// ISO 639-1 part of a language tag: `fr` of `fr-CA`.
std::string_view primary_language(std::string_view language);

// What a reader must see before anything else when the message is not real; empty when it is.
// The world outranks the status: nothing from an exercise may look real.
std::string_view marking(const Content& content);
// A headline or a body with its marking in front, as each of them is shown alone somewhere; nothing
// stays nothing.
std::string marked(const Content& content, const std::string& text);

// Name of the publishing agency in `language`; its name in another language for want of one.
std::string sender_name(const Fixed& fixed, std::string_view language);

// Name of an area in `language`.
std::string area_description(const Area& area, std::string_view language);

}  // namespace tocsin::content
