// Completion for shells: small scripts that ask the hidden `tocsin __complete`.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace tocsin::cli {

// Throws Failure for an unknown shell.
std::string completion_script(const std::string& shell);

// What may follow `words`, the last of which is being typed. `app` is not parsed.
std::vector<std::string> candidates(const CLI::App& app, const std::vector<std::string>& words);

// What is mistyped in a command line that cannot be read: its first word that is no verb, or no
// flag, where it stands, and what was meant most likely. Empty: every word is known.
std::string mistake_in(const CLI::App& app, const std::vector<std::string>& words);

// Names the first flag or argument that is not UTF-8, and so can be neither sent nor printed.
// Empty: there is none.
std::string not_utf8_in(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace tocsin::cli
