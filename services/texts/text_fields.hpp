// Every text in a message, however deep, found by the descriptor: what holds for all texts is said
// once, and a field that is added later is not forgotten. Pure.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>

namespace tocsin::texts {

struct TextField {
    const google::protobuf::FieldDescriptor& field;
    std::string path;  // such as texts[1].headline or areas[0].descriptions[fr-CA]
    // The tag in the `language` beside or above it, or the key of the map that it is in; empty for
    // none.
    std::string language;
};

// In the order of the fields, maps by their keys. Keys are not visited; nor is what is nested more
// than 32 levels deep.
void each_text(const google::protobuf::Message& message,
               const std::function<void(const TextField&, const std::string&)>& visit);

// As `each_text`; `edit` may change the text.
void edit_texts(google::protobuf::Message& message,
                const std::function<void(const TextField&, std::string&)>& edit);

// Without blanks (Unicode White_Space) at its edges, and with LF as its only line end: what a
// person pasted, and a reader cannot see.
std::string tidy(const std::string& text);

// Makes every text in it tidy.
void tidy_texts(google::protobuf::Message& message);

}  // namespace tocsin::texts
