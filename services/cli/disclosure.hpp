// A whole message as text, for the person who approves all of it: by descriptor, so that no field
// is left out.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace tocsin::cli {

// `text` with everything in it visible: a line break is `\n` and a new line that begins with
// `margin`, and what leaves no mark or is no common blank stands as `<U+200B>`. No text can pass
// for a line of its own, nor hide or turn round a part of itself.
std::string visible(std::string_view text, std::string_view margin = "| ");

// Every field that is set, numbers that are 0, and the names of those that are not set.
std::string disclosure(const google::protobuf::Message& message);

// Where `message` has a field or a value that this program has no name for, such as
// `draft.texts[1], field 9`; empty when it knows them all.
std::string unknown_part(const google::protobuf::Message& message);

}  // namespace tocsin::cli
