// What is wrong with a draft, in words by which its author can correct it.
#pragma once

#include <string>

namespace tocsin::content {

struct Finding {
    // An error blocks submission; a warning needs a tick.
    enum class Level { error, warning };

    Level level = Level::error;
    std::string code;   // Stable, snake_case.
    std::string field;  // Path in Draft, such as `texts[1].headline`.
    std::string text;   // A sentence for a person: what to do.

    bool operator==(const Finding&) const = default;
};

}  // namespace tocsin::content
