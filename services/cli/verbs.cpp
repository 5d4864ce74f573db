// The verbs that are one call each, made of the options beside the rpcs and the fields of their
// requests. To add one: the options; here, if you like, an example and the columns of its list.
#include "cli/verb.hpp"
#include "content/channel.hpp"
#include "runtime/base/validate.hpp"
#include "runtime/edge/method_rules.hpp"
#include "source_formats.inc"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <ranges>
#include <set>

namespace tocsin::cli {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

namespace {

// What protos do not say of a verb.
struct Row {
    std::string example;
    std::vector<Column> columns{};
    // What the file holds that is the whole request but for flags that are given; empty: there is
    // none.
    std::string whole{};
    // By field, the only values that people may give, where they are not the field's pattern.
    std::map<std::string, std::vector<std::string>> choices{};
};

std::vector<std::string> channel_kinds() {
    std::vector<std::string> names;
    for (const auto& one : content::all_kinds()) names.emplace_back(one.kind);
    return names;
}

// The file `usgs_json.cpp` reads `usgs-json`.
std::vector<std::string> source_formats() {
#define TOCSIN_NAME(format) #format,
    std::vector<std::string> names{TOCSIN_SOURCE_FORMATS(TOCSIN_NAME)};
#undef TOCSIN_NAME
    for (std::string& name : names) std::ranges::replace(name, '_', '-');
    return names;
}

// By method.
using Rows = std::map<std::string, Row>;

Rows drafting_rows() {
    return {
        {"CreateIncident",
         {.example = "tocsin incident create --kind flood --title 'Saguenay in flood'"}},
        {"GetIncident", {.example = "tocsin incident get INCIDENT"}},
        {"ListIncidents",
         {.example = "tocsin incident list",
          .columns = {{"ID", "incidentId"},
                      {"KIND", "kind"},
                      {"AGENCIES", "agencies"},
                      {"OPENED", "createTime"},
                      {"TITLE", "title"}}}},
        {"PutTemplate",
         {.example = "tocsin template put flood.json",
          .whole = "JSON with templateId, draft, expiresAfterSeconds"}},
        {"GetTemplate", {.example = "tocsin template get flood"}},
        {"ListTemplates",
         {.example = "tocsin template list",
          .columns = {{"ID", "templateId"},
                      {"VERSION", "version", Column::number},
                      {"AGENCY", "agency"},
                      {"PLACEHOLDERS", "placeholders"},
                      {"TITLE", "draft.title"}}}},
        {"CreateMessage",
         {.example = "tocsin message create --incident I --template flood --value level=4.2"}},
        {"WithdrawMessage", {.example = "tocsin message withdraw MESSAGE --reason 'false alarm'"}},
        {"GetMessage", {.example = "tocsin message get MESSAGE"}},
        {"ListMessages",
         {.example = "tocsin message list --state in_review",
          .columns = {{"ID", "messageId"},
                      {"STATE", "state"},
                      {"ETAG", "etag"},
                      {"AGENCY", "agency"},
                      {"UPDATED", "updateTime"},
                      {"TITLE", "draft.title"}}}},
    };
}

Rows approval_rows() {
    return {
        {"RequestChanges",
         {.example = "tocsin request-changes MESSAGE --reason 'the street is wrong'"}},
        {"Reject", {.example = "tocsin reject MESSAGE --reason hoax"}},
        {"TakeBack", {.example = "tocsin take-back MESSAGE --reason typo"}},
        {"ListReviews",
         {.example = "tocsin review list --state in_review",
          .columns = {{"MESSAGE", "messageId"},
                      {"STATE", "state"},
                      {"SUBMITTED", "submitTime"},
                      {"CLEARED", "clearTime"},
                      {"CORRECTED", "evidenceRevisions"},
                      {"DIGEST", "digest"}}}},
        {"SetPolicy",
         {.example = "tocsin policy set --severity severe --quorum 2 --role approver"}},
        {"ListPolicies",
         {.example = "tocsin policy list",
          .columns = {{"AGENCY", "agencyId"},
                      {"SEVERITY", "severity"},
                      {"QUORUM", "quorum", Column::number},
                      {"ROLES", "roles"}}}},
        {"ImportRoster", {.example = "tocsin roster import roster.json"}},
        {"GetRoster", {.example = "tocsin roster get"}},
    };
}

Rows publishing_rows() {
    return {
        {"PutChannel",
         {.example = "tocsin channel put page --kind feed --name 'Public feed'",
          .choices = {{"kind", channel_kinds()}}}},
        {"RemoveChannel", {.example = "tocsin channel remove page"}},
        {"ListChannels",
         {.example = "tocsin channel list",
          .columns = {{"ID", "channelId"},
                      {"AGENCY", "agencyId"},
                      {"KIND", "kind"},
                      {"ACTIVE", "active"},
                      {"LANGUAGES", "languages"},
                      {"URL", "url"},
                      {"NAME", "name"}}}},
        {"PlaceHold",
         {.example = "tocsin hold place --channel city-mastodon --reason 'the account was taken "
                     "over'"}},
        {"LiftHold", {.example = "tocsin hold lift HOLD --reason 'the account is ours again'"}},
        {"ListHolds",
         {.example = "tocsin hold list",
          .columns = {{"ID", "holdId"},
                      {"AGENCY", "agencyId"},
                      {"CHANNEL", "channelId"},
                      {"BY", "placedBy"},
                      {"SINCE", "placeTime"},
                      {"UNTIL", "until"},
                      {"ENDED", "endTime"},
                      {"LIFTED BY", "liftedBy"},
                      {"REASON", "reason"}}}},
        {"ListReleases",
         {.example = "tocsin release list",
          .columns = {{"ID", "releaseId"},
                      {"MESSAGE", "messageId"},
                      {"STATE", "state"},
                      {"T0", "fireAt"},
                      {"REASON", "reason"}}}},
        {"StopRelease", {.example = "tocsin release stop RELEASE --reason 'sent in error'"}},
        {"ProceedRelease",
         {.example = "tocsin release proceed RELEASE --without city-hook --reason 'its server is "
                     "down'"}},
        {"RetryDelivery",
         {.example =
              "tocsin release retry RELEASE city-hook --reason 'the credential was renewed'"}},
        {"ResolveDelivery",
         {.example = "tocsin release resolve RELEASE city-mastodon:fr-CA --found absent --reason "
                     "'not on the account'"}},
    };
}

Rows trigger_rows() {
    return {
        {"PutSource",
         {.example = "tocsin source put usgs --format usgs-json --url https://example.org/iv "
                     "--poll-seconds 60",
          .choices = {{"format", source_formats()}}}},
        {"RemoveSource", {.example = "tocsin source remove usgs"}},
        {"ListSources",
         {.example = "tocsin source list",
          .columns = {{"ID", "source.sourceId"},
                      {"ACTIVE", "source.active"},
                      {"FORMAT", "source.format"},
                      {"LAST READING", "lastReadAt"},
                      {"AGE", "lastReadAt", Column::age},
                      {"READINGS", "readings", Column::number},
                      {"SKIPPED", "skippedByReason", Column::counts},
                      {"FIRST FAULT", "firstFault"},
                      {"STALE", "stale"},
                      {"ERROR", "error"}}}},
        {"PutRule",
         {.example = "tocsin rule put high-water --source usgs --series 01646500:00065 --threshold "
                     "4 --template flood --incident I"}},
        {"RemoveRule", {.example = "tocsin rule remove high-water"}},
        {"ListRules",
         {.example = "tocsin rule list",
          .columns = {{"ID", "rule.ruleId"},
                      {"STATE", "state"},
                      {"WHY", "reason"},
                      {"SERIES", "rule.series"},
                      {"THRESHOLD", "rule.threshold", Column::number},
                      {"LAST", "lastReading.value", Column::number},
                      {"UNIT", "lastReading.unit"},
                      {"AGE", "lastReading.readAt", Column::age},
                      {"CROSSINGS", "crossings", Column::number},
                      {"TOO OLD", "passedOver.readAt"},
                      {"TIMES", "passedOverTimes", Column::number},
                      {"REFUSED", "refused"}}}},
        {"ListCrossings",
         {.example = "tocsin crossing list",
          .columns = {{"ID", "crossingId"},
                      {"RULE", "ruleId"},
                      {"INCIDENT", "incidentId"},
                      {"AT", "crossTime"},
                      {"MESSAGE", "messageId"},
                      {"REFUSED", "refused"},
                      {"CORRECTED", "evidenceRevisions"}}}},
    };
}

Rows measurement_rows() {
    return {
        {"GetScorecard", {.example = "tocsin scorecard get MESSAGE"}},
        {"ListScorecards",
         {.example = "tocsin scorecard list",
          .columns = {{"MESSAGE", "messageId"},
                      {"TO DRAFT", "readingToDraftSeconds"},
                      {"TO CLEARED", "draftToClearedSeconds"},
                      {"TO LAST CHANNEL", "clearedToLastChannelSeconds"},
                      {"TO CORRECTED", "mistakeToCorrectedSeconds"},
                      {"SKEW MS", "skewMs"}}}},
        {"ListPractice",
         {.example = "tocsin practice list --role duty-officer --out-of-practice",
          .columns = {{"PERSON", "subject"},
                      {"NAME", "name"},
                      {"AGENCY", "agencyId"},
                      {"ROLES", "roles"},
                      {"LAST", "lastTime"},
                      {"OUT OF PRACTICE", "outOfPractice"}}}},
        {"AddRemark", {.example = "tocsin remark MESSAGE --text 'mayor informed'"}},
    };
}

// A method without a row has a verb all the same.
const Rows& rows() {
    static const Rows all = [] {
        Rows made;
        for (Rows part : {drafting_rows(), approval_rows(), publishing_rows(), trigger_rows(),
                          measurement_rows()})
            made.merge(part);
        return made;
    }();
    return all;
}

// Verbs that are more than one call; App makes them.
const std::set<std::string> made_by_hand{"ReviseMessage", "SubmitMessage", "PreviewMessage",
                                         "WatchMessages", "GetReview",     "Approve",
                                         "GetRelease"};

Field::Kind kind_of(const FieldDescriptor& field) {
    if (field.is_map()) return Field::Kind::map;
    if (const Descriptor* type = field.message_type())
        return type->name() == "Reference" ? Field::Kind::reference : Field::Kind::file;
    if (field.is_repeated()) return Field::Kind::list;
    if (field.enum_type() != nullptr) return Field::Kind::name;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return Field::Kind::truth;
    return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? Field::Kind::text
                                                               : Field::Kind::number;
}

// `--page-size` for page_size; `ID` where the rules say that it is an argument.
std::string flag_of(const FieldDescriptor& field, const rules::v1::FieldRules& rules) {
    std::string name = rules.flag().empty() ? field.name() : rules.flag();
    if (std::isupper(static_cast<unsigned char>(name.front())) != 0) return name;
    std::ranges::replace(name, '_', '-');
    return "--" + name;
}

// Of a pattern that is a list of words, these; empty: it is none.
std::vector<std::string> listed_words(const std::string& pattern) {
    std::vector<std::string> words;
    if (!pattern.contains('|') || pattern.find_first_of("[(\\") != std::string::npos) return words;
    for (const auto word : pattern | std::views::split('|'))
        words.emplace_back(word.begin(), word.end());
    return words;
}

std::vector<Field> fields_of(const Descriptor& request, const Row& row) {
    std::vector<Field> fields;
    if (!row.whole.empty()) fields.push_back({"FILE", "", row.whole, Field::Kind::file, true});
    for (int i = 0; i < request.field_count(); ++i) {
        const FieldDescriptor& field = *request.field(i);
        const auto& rules = runtime::field_rules(field);
        if (rules.help().empty()) continue;
        const auto choices = row.choices.find(field.name());
        fields.push_back(
            {flag_of(field, rules), field.json_name(), rules.help(), kind_of(field),
             row.whole.empty() && (rules.required() || rules.min_items() > 0),
             choices == row.choices.end() ? listed_words(rules.pattern()) : choices->second});
    }
    return fields;
}

// Of a list whose columns nobody chose: what its rows hold themselves.
std::vector<Column> columns_of(const Descriptor& of_row) {
    constexpr int most = 8;
    std::vector<Column> columns;
    for (int i = 0; i < of_row.field_count() && std::ssize(columns) < most; ++i) {
        const FieldDescriptor& field = *of_row.field(i);
        if (field.message_type() != nullptr || field.type() == FieldDescriptor::TYPE_BYTES)
            continue;
        std::string title = field.name();
        for (char& letter : title)
            letter = letter == '_'
                         ? ' '
                         : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
        columns.push_back({std::move(title), field.json_name()});
    }
    return columns;
}

// Where the answer has what is printed: its list, or its record.
void show_answer(const Descriptor& response, Verb& verb) {
    for (int i = 0; i < response.field_count(); ++i) {
        const FieldDescriptor& field = *response.field(i);
        if (field.message_type() == nullptr) continue;
        verb.key = field.json_name();
        if (field.is_repeated() && verb.columns.empty())
            verb.columns = columns_of(*field.message_type());
        return;
    }
}

Verb verb_of(const std::string& service, const MethodDescriptor& method) {
    const auto& rules = runtime::method_rules(*method.input_type());
    const auto found = rows().find(method.name());
    const Row row = found == rows().end() ? Row{} : found->second;
    Verb verb;
    const auto space = rules.verb().find(' ');
    verb.noun = space == std::string::npos ? "" : rules.verb().substr(0, space);
    verb.name = space == std::string::npos ? rules.verb() : rules.verb().substr(space + 1);
    verb.service = service;
    verb.method = method.name();
    verb.meaning = rules.help();
    verb.example = row.example.empty() ? "tocsin " + rules.verb() : row.example;
    verb.fields = fields_of(*method.input_type(), row);
    verb.columns = row.columns;
    if (rules.access() != rules::v1::ACCESS_CHANGE) show_answer(*method.output_type(), verb);
    return verb;
}

}  // namespace

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> all = [] {
        std::vector<Verb> made;
        for (const std::string_view service : service_names) {
            const auto& methods = *service_of(std::string{service});
            for (int i = 0; i < methods.method_count(); ++i) {
                const MethodDescriptor& method = *methods.method(i);
                if (!runtime::method_rules(*method.input_type()).verb().empty() &&
                    !made_by_hand.contains(method.name()))
                    made.push_back(verb_of(std::string{service}, method));
            }
        }
        return made;
    }();
    return all;
}

std::string meaning_of(const std::string& service, const std::string& method) {
    return runtime::method_rules(*method_of(service, method)->input_type()).help();
}

}  // namespace tocsin::cli
