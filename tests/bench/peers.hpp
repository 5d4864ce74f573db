// Other people's programs that a benchmark compares with: they are there only when it was named.
#pragma once

#include <string>

namespace tocsin::bench {

// What ./dev bench put into this variable; throws where it did not. `benchmark`: the name of the
// one that needs it.
std::string needed(const char* variable, const char* meaning, const char* benchmark);

}  // namespace tocsin::bench
