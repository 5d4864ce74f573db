#include "cli/people.hpp"

#include "cli/failure.hpp"
#include "cli/table.hpp"
#include "runtime/edge/identity.hpp"
#include "runtime/edge/jwk.hpp"
#include "runtime/host/replaced_file.hpp"
#include "texts/trimmed.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string_view>

namespace tocsin::cli {

using nlohmann::json;

static constexpr std::size_t token_bytes_max = std::size_t{64} << 10;

static std::string text_of(const json& object, std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const auto found = object.find(name); found != object.end() && found->is_string())
            return found->get<std::string>();
    return {};
}

std::optional<PersonClaims> find_person(const std::string& text, const std::string& subject) {
    const json file = json::parse(text, nullptr, false);
    if (!file.is_object()) throw Failure(Exit::usage, "the people file is no JSON object");
    const json& roster = file.contains("roster") ? file["roster"] : file;
    if (!roster.is_object() || !roster.contains("people") || !roster["people"].is_array())
        throw Failure(Exit::usage, "the people file has no list `people`");
    for (const json& entry : roster["people"]) {
        if (!entry.is_object() || text_of(entry, {"subject"}) != subject) continue;
        PersonClaims person{subject,
                            text_of(file, {"realm"}),
                            text_of(entry, {"agencyId", "agency_id", "agency"}),
                            {}};
        if (person.realm.empty()) person.realm = text_of(roster, {"realm"});
        for (const json& role : entry.value("roles", json::array()))
            if (role.is_string()) person.roles.push_back(role.get<std::string>());
        return person;
    }
    return std::nullopt;
}

PersonClaims claims_of(const Options& options) {
    if (options.as.empty())
        throw Failure(Exit::auth,
                      "no person is named: give --as NAME (or TOCSIN_AS), or --token-file FILE");
    PersonClaims person{options.as, {}, {}, {}};
    std::istringstream files(environment("TOCSIN_PEOPLE"));
    for (std::string path; std::getline(files, path, ':');) {
        auto known = path.empty() ? std::nullopt : find_person(read_file(path), options.as);
        if (!known) continue;
        person = std::move(*known);
        break;
    }
    if (!options.realm.empty()) person.realm = options.realm;
    if (!options.agency.empty()) person.agency = options.agency;
    if (!options.roles.empty()) {
        person.roles.clear();
        std::istringstream roles(options.roles);
        for (std::string role; std::getline(roles, role, ',');) {
            if (std::ranges::find(runtime::known_roles, role) == runtime::known_roles.end())
                throw Failure(Exit::usage,
                              fmt::format("--roles {}: each is one of {}", printable(role),
                                          fmt::join(runtime::known_roles, ", ")));
            person.roles.push_back(role);
        }
    }
    const std::vector<std::string> only_operator{std::string(runtime::operator_role)};
    if (person.roles == only_operator && options.realm.empty() && options.agency.empty()) {
        person.realm.clear();
        person.agency.clear();
        return person;
    }
    if (person.realm.empty()) person.realm = environment("TOCSIN_REALM");
    for (const auto& [what, missing] :
         {std::pair{"--realm", person.realm.empty()}, std::pair{"--agency", person.agency.empty()},
          std::pair{"--roles", person.roles.empty()}})
        if (missing)
            throw Failure(
                Exit::usage,
                fmt::format("`{}` is unknown: give {}, or name a people file in TOCSIN_PEOPLE",
                            options.as, what));
    return person;
}

std::string mint_token(const Options& options) {
    const std::string key = environment("TOCSIN_ISSUER_KEY");
    if (key.empty())
        throw Failure(Exit::auth,
                      "no issuer key: set TOCSIN_ISSUER_KEY (./dev up makes one), or give "
                      "--token-file FILE or TOCSIN_TOKEN");
    const PersonClaims person = claims_of(options);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const auto ttl =
        std::chrono::duration_cast<std::chrono::seconds>(duration_of(options.ttl_text, "--ttl"));
    if (ttl < std::chrono::seconds(1) || ttl > std::chrono::hours(24))
        throw Failure(Exit::usage, fmt::format("--ttl {}: 1s to 24h are expected, since no service "
                                               "takes a longer token",
                                               options.ttl_text));
    json claims{{"iss", options.issuer},
                {"aud", options.audience},
                {"sub", person.subject},
                {"roles", person.roles},
                {"iat", now},
                {"exp", now + ttl.count()}};
    if (!person.realm.empty()) claims["realm"] = person.realm;
    if (!person.agency.empty()) claims["agency"] = person.agency;
    try {
        return runtime::issue_token(read_file(key), claims.dump());
    } catch (const Failure&) {
        throw;
    } catch (const std::exception& error) {
        throw Failure(Exit::auth, fmt::format("{}: {}", key, error.what()));
    }
}

// The token in `text`, which may be empty. What gRPC would refuse to send, it must not be given: it
// ends the process over it.
static std::string token_in(const std::string& text, const std::string& origin) {
    const std::string token{texts::trimmed(text, " \t\n\v\f\r")};
    for (std::size_t i = 0; i < token.size(); ++i)
        if (token[i] < 0x21 || token[i] > 0x7e)
            throw Failure(Exit::auth,
                          fmt::format("{}: is no token: its byte {} is {:#04x}, and a "
                                      "token is one word of ASCII; copy it again",
                                      origin, i + 1, static_cast<unsigned char>(token[i])));
    if (token.size() > token_bytes_max)
        throw Failure(Exit::auth, fmt::format("{}: is no token: it has more than {} KiB", origin,
                                              token_bytes_max >> 10));
    return token;
}

std::string bearer_token(const Options& options) {
    if (options.token_file.empty()) {
        const std::string token = token_in(environment("TOCSIN_TOKEN"), "TOCSIN_TOKEN");
        return token.empty() ? mint_token(options) : token;
    }
    std::string text = read_file(options.token_file, token_bytes_max);
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    const std::string token = token_in(text, options.token_file);
    if (token.empty())
        throw Failure(Exit::auth, fmt::format("{}: holds no token", options.token_file));
    return token;
}

static void write_new(const std::filesystem::path& path, const std::string& text, mode_t mode) {
    if (const auto why = runtime::replace_file(path.string(), text, mode); !why.empty())
        throw Failure(Exit::failure, why);
}

void init_issuer(const std::string& folder) {
    const std::filesystem::path base(folder);
    std::filesystem::create_directories(base);
    const auto key = base / "issuer.key.pem";
    const auto set = base / "jwks.json";
    if (!std::filesystem::exists(key)) {
        write_new(key, runtime::make_issuer_key_pem(), 0600);
        std::cerr << "made " << key.string() << "\n";
    }
    if (!std::filesystem::exists(set)) {
        write_new(set, runtime::jwks_of_pem(read_file(key.string())), 0644);
        std::cerr << "made " << set.string() << "\n";
    }
}

}  // namespace tocsin::cli
