#include "runtime/host/stop_signals.hpp"

#include <initializer_list>

namespace tocsin::runtime {

static bool is_ignored(int signal) {
    struct sigaction action{};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t block_stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        // One that is blocked and ignored would be delivered all the same.
        if (signal != SIGHUP || !is_ignored(signal)) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

}  // namespace tocsin::runtime
