#include "cli/app.hpp"

#include <csignal>

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_DFL);  // `tocsin ... | head` ends quietly.
    return tocsin::cli::App().run(argc, argv);
}
