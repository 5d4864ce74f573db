// What a process leaves behind when it crashes. Its memory holds the world's keys, credentials and
// tokens, which a file of that memory would give to every reader of crash files.
#pragma once

namespace tocsin::runtime {

// No core file, and no other process of the same user may read this one's memory or trace it.
// Throws std::system_error where the system does not do that.
void refuse_core_dumps();

}  // namespace tocsin::runtime
