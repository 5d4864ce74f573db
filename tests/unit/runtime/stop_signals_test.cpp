#include "runtime/host/stop_signals.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace tocsin::runtime {
namespace {

// In a process of its own: the exit code of what `act` says there, or 128 and the signal.
int in_child(const std::function<int()>& act) {
    const pid_t child = fork();
    if (child == 0) _exit(act());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(StopSignals, TermIntAndHangUpWaitForWhoeverWaitsForThem) {
    for (const int wanted : {SIGTERM, SIGINT, SIGHUP})
        EXPECT_EQ(in_child([wanted] {
                      const sigset_t signals = block_stop_signals();
                      raise(wanted);
                      int came = 0;
                      sigwait(&signals, &came);
                      return came == wanted ? 0 : 1;
                  }),
                  0)
            << wanted;
}

TEST(StopSignals, UnderNohupAHangUpDoesNotEndIt) {
    EXPECT_EQ(in_child([] {
                  std::signal(SIGHUP, SIG_IGN);
                  const sigset_t signals = block_stop_signals();
                  raise(SIGHUP);
                  raise(SIGTERM);
                  int came = 0;
                  sigwait(&signals, &came);
                  return came == SIGTERM && sigismember(&signals, SIGHUP) == 0 ? 0 : 1;
              }),
              0);
}

}  // namespace
}  // namespace tocsin::runtime
