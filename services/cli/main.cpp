#include "cli/app.hpp"
#include "runtime/logs.hpp"

#include <csignal>

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_DFL);  // `tocsin ... | head` ends quietly.
    // Libraries say nothing here: what went wrong is told in words, once.
    tocsin::runtime::logs::start("tocsin", "error");
    return tocsin::cli::App().run(argc, argv);
}
