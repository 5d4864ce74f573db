// Tokens for people of a development stack, signed with the local issuer's key.
#pragma once

#include "cli/options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tocsin::cli {

struct PersonClaims {
    std::string subject;
    std::string realm;
    std::string agency;
    std::vector<std::string> roles;
};

// Looks `subject` up in a roster file: {"realm": ..., "people": [{"subject", "agencyId",
// "roles"}]}, the same that `roster import` takes. Throws Failure when the text is no such file.
std::optional<PersonClaims> find_person(const std::string& text, const std::string& subject);

// Claims of the person that `options` name, from flags first and from the people files second
// (TOCSIN_PEOPLE: one, or several with colons between). An operator, who has no other role, belongs
// to no realm and no agency.
PersonClaims claims_of(const Options& options);
std::string mint_token(const Options& options);

// The bearer token for calls: --token-file, TOCSIN_TOKEN, or minted for --as.
std::string bearer_token(const Options& options);

// `token init`: creates issuer.key.pem (mode 600) and jwks.json unless they are there.
void init_issuer(const std::string& folder);

}  // namespace tocsin::cli
