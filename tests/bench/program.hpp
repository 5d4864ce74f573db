// One running program of the build, started with its own settings and ended by its process id.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace tocsin::bench {

// Free a moment ago: for an address that must be known before its program listens.
int free_port();

class Program {
public:
    using Clock = std::chrono::steady_clock;

    // Runs `path` with `arguments`; what it writes goes to `log`. Nothing of our own environment
    // that could be a setting is passed on.
    Program(const std::string& path, const std::vector<std::string>& arguments,
            const std::string& log);
    // Kills what still runs.
    ~Program();
    Program(const Program&) = delete;

    Clock::time_point started() const { return started_; }
    bool running();
    pid_t pid() const { return pid_; }
    // Of its memory, once that has not changed by a hundredth for 3 s.
    double calm_resident_bytes() const;
    // Of all its threads, since it began.
    double cpu_seconds() const;
    // Ends it by `signal` and waits until it is gone; throws when it does not go.
    void end(int signal);
    // Waits until `path` appears; throws when the program ends before.
    std::map<std::string, int> read_ports(const std::string& path);

private:
    pid_t pid_ = -1;
    Clock::time_point started_;
};

}  // namespace tocsin::bench
