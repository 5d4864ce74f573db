// What a credential file says, for tests.
#pragma once

#include <fmt/format.h>

#include <string>

namespace tocsin {

// Of calgary in the realm bow, for `https://ID.example.org`, and for the same with `elsewhere`
// after the id. `secret` is a member of the object.
inline std::string credential_text(const std::string& kind, const std::string& id,
                                   const std::string& secret, const std::string& elsewhere = {}) {
    const std::string other = elsewhere.empty()
                                  ? elsewhere
                                  : fmt::format(R"(,"https://{}{}.example.org")", id, elsewhere);
    return fmt::format(R"({{"kind":"{}","realm":"bow","agency":"calgary",)"
                       R"("origins":["https://{}.example.org"{}],{}}})",
                       kind, id, other, secret);
}

inline const std::string webhook_secret = R"("secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])";
inline const std::string mastodon_secret = R"("token":"secret-token")";

}  // namespace tocsin
