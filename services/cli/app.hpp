// The command line of `tocsin`: builds the tree of verbs, parses, runs.
#pragma once

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"

#include <CLI/CLI.hpp>

#include <deque>
#include <functional>
#include <string>

namespace tocsin::cli {

class App {
public:
    App();
    // The exit code. Not 0 where the output was lost: a script would take the empty output for the
    // answer.
    int run(int argc, char** argv);

private:
    using Action = std::function<void()>;

    int run_verb(int argc, char** argv);
    void add_globals();
    void add_verb(const Verb& verb);
    void add_message_verbs();
    void add_review_verbs();
    void add_release_verbs();
    void add_source_verbs();
    void add_credential_verbs();
    void add_ledger_verbs();
    void add_operator_verb(const std::string& name, const std::string& method,
                           const std::string& meaning, const std::string& example);
    void add_ledger_reads(CLI::App* ledger);
    void add_world(CLI::App* noun);
    void add_token_verbs();
    void add_small_verbs();

    // `noun` is made when it is not there yet; empty: the verb stands at the top.
    CLI::App* noun(const std::string& name);
    CLI::App* verb(const std::string& noun_name, const std::string& name,
                   const std::string& meaning, const std::string& example, Action action);
    // A place for a value that lives as long as the tree.
    std::string& text() { return texts_.emplace_back(); }
    std::vector<std::string>& list() { return lists_.emplace_back(); }

    CLI::App app_;
    Options options_;
    Client client_{options_};
    Action action_;
    std::deque<std::string> texts_;
    std::deque<std::vector<std::string>> lists_;
};

}  // namespace tocsin::cli
