// The signals that end a process: it drains, whichever it was.
#pragma once

#include <csignal>

namespace tocsin::runtime {

// TERM, INT and HUP, blocked in this thread and in those that it starts: the thread that waits for
// the set gets them. Settings are read at start, and files (certificates, keys of tokens) when they
// change, so there is nothing that HUP could read again; a terminal that goes away must not cut off
// what was accepted. Under nohup, which ignores HUP, it is not in the set.
sigset_t block_stop_signals();

}  // namespace tocsin::runtime
