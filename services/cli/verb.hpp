// A verb that is one call of one service: made of its proto, with no code of its own.
#pragma once

#include "cli/client.hpp"
#include "cli/table.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::cli {

// One flag or positional argument, and where its value goes in the request.
struct Field {
    enum class Kind {
        text,
        number,
        truth,      // `true` or `false`
        list,       // repeatable
        map,        // repeatable KEY=VALUE
        file,       // a JSON file that becomes the value at `path`; the whole request when empty
        name,       // of an enum: `severe` for SEVERITY_SEVERE
        reference,  // repeatable SENDER,IDENTIFIER,SENT
    };
    std::string flag;  // `--title`, or `ID` for a positional
    std::string path;  // JSON name in the request
    std::string meaning;
    Kind kind = Kind::text;
    bool needed = false;
    std::vector<std::string> choices{};  // the only values of a text or list; empty: any
};

struct Verb {
    std::string noun;  // empty: the verb stands alone
    std::string name;
    std::string service;
    std::string method;
    std::string meaning;
    std::string example;
    std::vector<Field> fields;
    // Printing: a list at `key` with columns, a record at `key`, or a change's answer when empty.
    std::string key{};
    std::vector<Column> columns{};
};

const std::vector<Verb>& verbs();
// What the help says of a method's verb, by the option beside its rpc.
std::string meaning_of(const std::string& service, const std::string& method);

// The only values that the field takes, as people write them; empty: any.
std::vector<std::string> choices_of(const Verb& verb, const Field& field);

// Values by flag, as they were given.
using Given = std::map<std::string, std::vector<std::string>>;

// The request of a verb; throws Failure for what cannot be one.
Json request_of(const Verb& verb, const Given& given);
void print_answer(const Verb& verb, const Json& answer, bool json);
// A change's answer in words.
void print_change(const Json& answer, bool json);

}  // namespace tocsin::cli
