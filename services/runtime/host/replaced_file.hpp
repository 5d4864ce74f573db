// A file whose readers see the old bytes or the new ones, also after a power cut.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace tocsin::runtime {

// Written beside it as `PATH.new`, which one writer at a time may do. The mode is set before the
// bytes. Why not; empty: it is done.
std::string replace_file(const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace tocsin::runtime
