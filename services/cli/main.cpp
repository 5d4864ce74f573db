#include "cli/run.hpp"
#include "runtime/host/logs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

// A standard stream that the caller closed: its number would be the next file's or connection's,
// and what is printed would end up there. To write to standard output then fails.
static void occupy_standard_streams() {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(number, F_GETFD) == -1)
            open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char** argv) {
    occupy_standard_streams();
    std::signal(SIGPIPE, SIG_DFL);  // `tocsin ... | head` ends without an error.
    // Libraries log nothing here: each failure is printed once, as a sentence.
    tocsin::runtime::logs::start("tocsin", "error");
    return tocsin::cli::run(argc, argv);
}
