// The channels' credentials: entries of the world's sealed file, changed where the file is. An
// entry comes by standard input, and no part of it is written to the disk but sealed, nor printed.
#pragma once

#include "cli/options.hpp"

#include <string>

namespace tocsin::cli {

struct CredentialPlan {
    std::string file;
    std::string key_file;
    std::string name;
};

void put_credential(const Options& options, const CredentialPlan& plan);
void list_credentials(const Options& options, const CredentialPlan& plan);
void remove_credential(const Options& options, const CredentialPlan& plan);
// Seals the file again, with the newest key of the key file.
void reseal_credentials(const Options& options, const CredentialPlan& plan);

}  // namespace tocsin::cli
