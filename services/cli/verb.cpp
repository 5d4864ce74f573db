#include "cli/verb.hpp"

#include "cli/short_names.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iostream>

namespace tocsin::cli {

static Json parsed_file(const std::string& path) {
    Json json = Json::parse(read_file(path), nullptr, false);
    if (!json.is_object()) throw Failure(Exit::usage, fmt::format("{}: not a JSON object", path));
    return json;
}

static const google::protobuf::EnumDescriptor& enum_of(const Verb& verb, const Field& field) {
    const auto* request = method_of(verb.service, verb.method)->input_type();
    for (int i = 0; i < request->field_count(); ++i)
        if (request->field(i)->json_name() == field.path && request->field(i)->enum_type())
            return *request->field(i)->enum_type();
    throw Failure(Exit::failure, fmt::format("{}: {} is no enum", field.flag, field.path));
}

std::vector<std::string> choices_of(const Verb& verb, const Field& field) {
    if (field.kind == Field::Kind::truth) return {"true", "false"};
    return field.kind == Field::Kind::name ? texts::enum_names(enum_of(verb, field))
                                           : field.choices;
}

static void check_choice(const Verb& verb, const Field& field, const std::string& text) {
    const auto choices = choices_of(verb, field);
    if (choices.empty() || std::ranges::find(choices, text) != choices.end()) return;
    throw Failure(Exit::usage, fmt::format("{} {}: it is one of {}", field.flag, printable(text),
                                           fmt::join(choices, ", ")));
}

// `in_review`, `in-review` and REVIEW_STATE_IN_REVIEW alike.
static std::string enum_value(const Verb& verb, const Field& field, const std::string& text) {
    const auto& type = enum_of(verb, field);
    const std::string prefix{texts::enum_prefix(type)};
    std::string name = text;
    for (char& letter : name)
        letter = letter == '-'
                     ? '_'
                     : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    const auto* value = type.FindValueByName(name.starts_with(prefix) ? name : prefix + name);
    // UNSPECIFIED is no choice.
    if (value == nullptr || value->number() == 0) check_choice(verb, field, text);
    return value->name();
}

static Json reference_of(const std::string& text) {
    const auto first = text.find(',');
    const auto second = text.find(',', first + 1);
    if (first == std::string::npos || second == std::string::npos)
        throw Failure(Exit::usage,
                      fmt::format("--reference {}: SENDER,IDENTIFIER,SENT is expected", text));
    return {{"sender", text.substr(0, first)},
            {"identifier", text.substr(first + 1, second - first - 1)},
            {"sent", text.substr(second + 1)}};
}

static void put(Json& request, const Verb& verb, const Field& field,
                const std::vector<std::string>& values) {
    if (field.kind != Field::Kind::name)
        for (const std::string& value : values) check_choice(verb, field, value);
    switch (field.kind) {
        case Field::Kind::text:
            request[field.path] = values.back();
            return;
        case Field::Kind::number: {
            const Json number = Json::parse(values.back(), nullptr, false);
            if (!number.is_number())
                throw Failure(Exit::usage, fmt::format("{} {}: a number is expected", field.flag,
                                                       values.back()));
            request[field.path] = number;
            return;
        }
        case Field::Kind::truth:
            request[field.path] = values.back() == "true";
            return;
        case Field::Kind::list:
            request[field.path] = values;
            return;
        case Field::Kind::map:
            for (const std::string& pair : values) {
                const auto equals = pair.find('=');
                if (equals == std::string::npos)
                    throw Failure(Exit::usage,
                                  fmt::format("{} {}: KEY=VALUE is expected", field.flag, pair));
                request[field.path][pair.substr(0, equals)] = pair.substr(equals + 1);
            }
            return;
        case Field::Kind::file: {
            Json file = parsed_file(values.back());
            if (field.path.empty()) {
                request.update(file);
                return;
            }
            // Taken with its name or without: the file of a request serves as well.
            Json value = file.contains(field.path) ? file[field.path] : file;
            // Whose realm it is says the token; the people file has it for minting one.
            if (value.is_object() && field.path == "roster") value.erase("realm");
            request[field.path] = std::move(value);
            return;
        }
        case Field::Kind::name:
            request[field.path] = enum_value(verb, field, values.back());
            return;
        case Field::Kind::reference:
            for (const std::string& text : values)
                request[field.path].push_back(reference_of(text));
            return;
    }
}

Json request_of(const Verb& verb, const Given& given) {
    Json request = Json::object();
    for (const Field& field : verb.fields) {
        const auto found = given.find(field.flag);
        if (found != given.end() && !found->second.empty())
            put(request, verb, field, found->second);
    }
    return request;
}

void print_change(const Json& answer, bool json) {
    if (json) {
        std::cout << answer.dump(2) << "\n";
        return;
    }
    std::cout << cell(answer, "id") << "\n";
    const std::string etag = cell(answer, "etag");
    std::cerr << "done" << (etag.empty() ? "" : ", etag " + etag) << ", "
              << cell(answer, "position") << "\n";
}

void print_answer(const Verb& verb, const Json& answer, bool json) {
    if (json) {
        std::cout << answer.dump(2) << "\n";
        return;
    }
    if (verb.key.empty()) return print_change(answer, json);
    const Json value =
        answer.value(verb.key, verb.columns.empty() ? Json::object() : Json::array());
    const auto* type = method_of(verb.service, verb.method)->output_type();
    const Json shown =
        with_short_names(value, *type->FindFieldByCamelcaseName(verb.key)->message_type());
    if (verb.columns.empty())
        print_record(shown);
    else
        print_table(shown, verb.columns);
    if (const std::string next = cell(answer, "nextPageToken"); !next.empty())
        std::cerr << "more: --page-token " << next << "\n";
}

}  // namespace tocsin::cli
