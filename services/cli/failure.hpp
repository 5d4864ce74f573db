// How a verb ends when it does not end well: an exit code that scripts can act on, and words.
#pragma once

#include <stdexcept>
#include <string>

namespace tocsin::cli {

enum class Exit : int {
    ok = 0,
    failure = 1,
    usage = 2,
    not_found = 3,
    auth = 4,
    precondition = 5,
    partly_published = 6,
    unknown_outcome = 7,
    timeout = 124,
};

struct Failure : std::runtime_error {
    Failure(Exit code, const std::string& words) : std::runtime_error(words), exit(code) {}
    Exit exit;
};

}  // namespace tocsin::cli
