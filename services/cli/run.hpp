// The command line of `tocsin`, for main() alone: what it is made of takes long to compile.
#pragma once

namespace tocsin::cli {

// The exit code. Not 0 where the output was lost: a script would take the empty output for the
// answer.
int run(int argc, char** argv);

}  // namespace tocsin::cli
