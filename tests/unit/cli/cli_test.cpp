#include "cli/app.hpp"
#include "cli/client.hpp"
#include "cli/completion.hpp"
#include "cli/failure.hpp"
#include "cli/people.hpp"
#include "cli/short_names.hpp"
#include "cli/special_verbs.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "runtime/edge/errors.hpp"
#include "tocsin/publishing/v1/release.pb.h"
#include "tocsin/rules/v1/rules.pb.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <ranges>
#include <set>

namespace tocsin::cli {

using std::chrono::milliseconds;

TEST(Options, DurationsHaveAUnit) {
    EXPECT_EQ(duration_of("500ms", "x"), milliseconds(500));
    EXPECT_EQ(duration_of("10", "x"), milliseconds(10'000));
    EXPECT_EQ(duration_of("1h", "x"), milliseconds(3'600'000));
    for (const char* bad : {"", "s", "-1s", "0s", "1.5s", "1d", "99999999999999999999s"})
        EXPECT_THROW(duration_of(bad, "x"), Failure) << bad;
}

TEST(People, AreFoundInARosterFile) {
    const std::string file = R"({"realm":"demo","roster":{"people":[
        {"subject":"ana","agencyId":"city","roles":["author","approver"]}]}})";
    const auto ana = find_person(file, "ana");
    ASSERT_TRUE(ana);
    EXPECT_EQ(ana->realm, "demo");
    EXPECT_EQ(ana->agency, "city");
    EXPECT_EQ(ana->roles, (std::vector<std::string>{"author", "approver"}));
    EXPECT_FALSE(find_person(file, "bob"));
    EXPECT_THROW(find_person("[]", "ana"), Failure);
}

TEST(People, AnOperatorBelongsToNoRealm) {
    setenv("TOCSIN_REALM", "demo", 1);
    unsetenv("TOCSIN_PEOPLE");
    Options options;
    options.as = "olga";
    options.roles = "operator";
    const PersonClaims olga = claims_of(options);
    EXPECT_EQ(olga.roles, std::vector<std::string>{"operator"});
    EXPECT_EQ(olga.realm + olga.agency, "");
    options.roles = "operator,author";
    EXPECT_THROW(claims_of(options), Failure);  // an author has an agency
    unsetenv("TOCSIN_REALM");
}

TEST(People, MayStandInSeveralFiles) {
    const std::string folder = ::testing::TempDir() + "cli_test_" + std::to_string(getpid()) + "_";
    std::ofstream(folder + "roster.json")
        << R"({"realm":"demo","people":[{"subject":"ana","agencyId":"city","roles":["author"]}]})";
    std::ofstream(folder + "operators.json")
        << R"({"people":[{"subject":"olga","roles":["operator"]}]})";
    setenv("TOCSIN_PEOPLE", (folder + "roster.json:" + folder + "operators.json").c_str(), 1);
    Options options;
    options.as = "ana";
    EXPECT_EQ(claims_of(options).agency, "city");
    options.as = "olga";
    EXPECT_EQ(claims_of(options).roles, std::vector<std::string>{"operator"});
    unsetenv("TOCSIN_PEOPLE");
}

static const Verb& verb_named(const std::string& noun, const std::string& name) {
    return *std::find_if(verbs().begin(), verbs().end(),
                         [&](const Verb& verb) { return verb.noun == noun && verb.name == name; });
}

TEST(Verbs, MakeRequestsFromFlags) {
    const Json request = request_of(verb_named("message", "create"),
                                    {{"--incident", {"i"}},
                                     {"--template", {"flood"}},
                                     {"--value", {"level=4=2", "gauge=a"}},
                                     {"--type", {"update"}},
                                     {"--reference", {"s,i,2026-01-01T00:00:00+00:00"}}});
    EXPECT_EQ(request["values"]["level"], "4=2");
    EXPECT_EQ(request["messageType"], "MESSAGE_TYPE_UPDATE");
    EXPECT_EQ(request["references"][0]["sent"], "2026-01-01T00:00:00+00:00");
    EXPECT_THROW(request_of(verb_named("message", "create"), {{"--value", {"x"}}}), Failure);
    EXPECT_EQ(request_of(verb_named("policy", "set"), {{"--quorum", {"2"}}})["quorum"], 2);
    EXPECT_THROW(request_of(verb_named("policy", "set"), {{"--quorum", {"two"}}}), Failure);
}

static std::string refusal(const Verb& verb, const Given& given) {
    try {
        request_of(verb, given);
        return {};
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit, Exit::usage);
        return failure.what();
    }
}

TEST(Verbs, RefuseAValueOutsideAListWithTheList) {
    EXPECT_EQ(refusal(verb_named("review", "list"), {{"--state", {"in review"}}}),
              "--state in review: it is one of in_review, cleared, returned, rejected");
    EXPECT_EQ(refusal(verb_named("message", "create"), {{"--type", {"retract"}}}),
              "--type retract: it is one of alert, update, cancel");
    EXPECT_EQ(refusal(verb_named("policy", "set"), {{"--role", {"approver", "admin"}}}),
              "--role admin: it is one of approver, duty-officer");
    EXPECT_NE(refusal(verb_named("policy", "set"), {{"--severity", {"unspecified"}}}), "");
}

TEST(Verbs, TakeAnEnumsValueAsTablesShowItWithHyphensOrWhole) {
    for (const char* state : {"in_review", "in-review", "REVIEW_STATE_IN_REVIEW"})
        EXPECT_EQ(request_of(verb_named("review", "list"), {{"--state", {state}}})["state"],
                  "REVIEW_STATE_IN_REVIEW");
}

static std::string refused_word(const Verb& verb, const Field& field, const std::string& word) {
    return refusal(verb, {{field.flag, {word}}});
}

// The lists stand in the protos too, as an enum or as a pattern of words.
TEST(Verbs, KnowEachListOfValues) {
    int lists = 0;
    for (const Verb& verb : verbs()) {
        const auto* request = method_of(verb.service, verb.method)->input_type();
        for (const Field& field : verb.fields) {
            const auto* declared = request->FindFieldByCamelcaseName(field.path);
            if (declared == nullptr) continue;  // a file is the whole request
            EXPECT_EQ(declared->enum_type() != nullptr, field.kind == Field::Kind::name)
                << verb.name << field.flag;
            const auto choices = choices_of(verb, field);
            if (!choices.empty()) ++lists;
            const std::string pattern =
                declared->options().GetExtension(rules::v1::field).pattern();
            if (pattern.find('|') != std::string::npos &&
                pattern.find_first_of("[(\\") == std::string::npos) {
                EXPECT_EQ(pattern, fmt::format("{}", fmt::join(choices, "|"))) << field.flag;
            }
            for (const std::string& choice : choices)
                EXPECT_EQ(refused_word(verb, field, choice), "") << field.flag;
            for (const std::string word : {"", "nonsense", "Unspecified", "unspecified"})
                EXPECT_EQ(refused_word(verb, field, word).empty(),
                          choices.empty() && field.kind != Field::Kind::number &&
                              field.kind != Field::Kind::map && field.kind != Field::Kind::file &&
                              field.kind != Field::Kind::reference)
                    << verb.noun << " " << verb.name << " " << field.flag << " " << word;
        }
    }
    EXPECT_EQ(lists, 11);
}

// By the `help` beside the field; a file that is the whole request has them all.
TEST(Verbs, HaveAFlagForEachFieldOfTheRequest) {
    const std::set<std::string> by_itself{"requestId", "expiresAt"};
    for (const Verb& verb : verbs()) {
        std::set<std::string> taken;
        for (const Field& field : verb.fields) taken.insert(field.path);
        if (taken.contains("")) continue;
        const auto* request = method_of(verb.service, verb.method)->input_type();
        for (int i = 0; i < request->field_count(); ++i) {
            const std::string& name = request->field(i)->json_name();
            EXPECT_TRUE(by_itself.contains(name) || taken.contains(name))
                << request->full_name() << " has no help beside " << name;
        }
    }
}

TEST(People, HaveRolesThatThereAre) {
    Options options;
    options.as = "ana";
    options.realm = "demo";
    options.agency = "city";
    options.roles = "author,aprover";
    try {
        claims_of(options);
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit, Exit::usage);
        EXPECT_NE(std::string(failure.what()).find("aprover: each is one of author, approver"),
                  std::string::npos)
            << failure.what();
    }
}

TEST(Verbs, HaveAnExampleAndAreUnique) {
    std::set<std::string> seen;
    for (const Verb& verb : verbs()) {
        const std::string name = verb.noun + (verb.noun.empty() ? "" : " ") + verb.name;
        EXPECT_TRUE(seen.insert(name).second) << name;
        EXPECT_TRUE(verb.example.starts_with("tocsin " + name)) << name;
    }
}

TEST(Verbs, ListsHavePages) {
    for (const Verb& verb : verbs()) {
        if (verb.name != "list") continue;
        EXPECT_TRUE(std::ranges::any_of(verb.fields, [](const Field& field) {
            return field.flag == "--page-token";
        })) << verb.noun;
    }
}

TEST(Client, EachCodeHasItsExit) {
    using grpc::StatusCode;
    EXPECT_EQ(exit_of(StatusCode::NOT_FOUND), Exit::not_found);
    EXPECT_EQ(exit_of(StatusCode::PERMISSION_DENIED), Exit::auth);
    EXPECT_EQ(exit_of(StatusCode::UNAUTHENTICATED), Exit::auth);
    EXPECT_EQ(exit_of(StatusCode::ABORTED), Exit::precondition);
    EXPECT_EQ(exit_of(StatusCode::FAILED_PRECONDITION), Exit::precondition);
    EXPECT_EQ(exit_of(StatusCode::INVALID_ARGUMENT), Exit::usage);
    EXPECT_EQ(exit_of(StatusCode::INTERNAL), Exit::failure);
}

TEST(Client, AnErrorNamesReasonFieldsAndWhatToDo) {
    const auto status = runtime::status(grpc::StatusCode::INVALID_ARGUMENT, "bad_request",
                                        "not well formed", {{"draft.title", "is missing"}});
    const std::string words = words_of(status);
    for (const char* part : {"invalid argument (BAD_REQUEST)", "not well formed",
                             "draft.title: is missing", "what to do"})
        EXPECT_NE(words.find(part), std::string::npos) << words;
}

TEST(Client, ASentenceIsSaidOnce) {
    using grpc::StatusCode;
    EXPECT_EQ(words_of(runtime::status(StatusCode::NOT_FOUND, "not_found", "there is no message",
                                       {{"message_id", "there is no message"}})),
              "not found (NOT_FOUND): message_id: there is no message");
    EXPECT_EQ(words_of(runtime::status(StatusCode::INVALID_ARGUMENT, "invalid_argument",
                                       "title: is required",
                                       {{"title", "is required"}, {"kind", "is required"}})),
              "invalid argument (INVALID_ARGUMENT): title: is required\n  kind: is required\n"
              "what to do: correct the fields named above");
}

TEST(Watch, GoesOnAfterWhatPassesAndEndsForGood) {
    for (const char* reason : {"roles_changed", "slow_reader"})
        EXPECT_TRUE(goes_on(runtime::edge_status(reason))) << reason;
    EXPECT_TRUE(goes_on(grpc::Status::OK));
    EXPECT_TRUE(goes_on({grpc::StatusCode::UNAVAILABLE, "the service restarts"}));
    for (const char* reason : {"role_missing", "token_expired", "too_many_watchers", "internal"})
        EXPECT_FALSE(goes_on(runtime::edge_status(reason))) << reason;
}

TEST(Table, PrintsNothingThatATerminalObeys) {
    EXPECT_EQ(printable("a\x1b[2Jb\x07"), "a?[2Jb?");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m\xc3\xa9"),
              "?31m\xc3\xa9");
}

TEST(Table, CellsAreReadByPath) {
    const Json row = Json::parse(R"({"a":{"b":["x","y"]},"n":1,"t":"one\ntwo"})");
    EXPECT_EQ(cell(row, "a.b"), "x,y");
    EXPECT_EQ(cell(row, "n"), "1");
    EXPECT_EQ(cell(row, "a.c.d"), "");
    EXPECT_EQ(cell(row, "t"), "one ...");
}

TEST(Table, ATimeThatWasNotReachedIsADash) {
    const Json row = Json::parse(
        R"({"mistakeToCorrectedSeconds":-1,"skewMs":-1.0,"draftToClearedSeconds":1.5,"value":-1})");
    EXPECT_EQ(cell(row, "mistakeToCorrectedSeconds"), "-");
    EXPECT_EQ(cell(row, "skewMs"), "-");
    EXPECT_EQ(cell(row, "draftToClearedSeconds"), "1.5");
    EXPECT_EQ(cell(row, "readingToDraftSeconds"), "0");  // proto JSON leaves it out
    EXPECT_EQ(cell(row, "value"), "-1");
    ::testing::internal::CaptureStdout();
    print_record(row);
    EXPECT_EQ(::testing::internal::GetCapturedStdout(),
              "mistakeToCorrectedSeconds: -\nskewMs: -\ndraftToClearedSeconds: 1.5\nvalue: -1\n");
}

TEST(Table, ANumberThatIsAlwaysThereIsNotEmpty) {
    const Json rows = Json::parse(R"([{"a":"x","rule":{}},{"a":"y","n":7,"rule":{"t":2.5}}])");
    ::testing::internal::CaptureStdout();
    print_table(rows, {{"A", "a"},
                       {"N", "n", Column::number},
                       {"T", "rule.t", Column::number},
                       {"NONE", "none.t", Column::number},
                       {"OPT", "opt"},
                       {"A", "a"}});
    EXPECT_EQ(::testing::internal::GetCapturedStdout(),
              "A  N  T    NONE  OPT  A\n"
              "x  0  0               x\n"
              "y  7  2.5             y\n");
}

TEST(Table, AnAgeIsInTheLargestUnitOfWhichThereAreTwo) {
    using namespace std::chrono_literals;
    EXPECT_EQ(age_text(0s), "0 s");
    EXPECT_EQ(age_text(119s), "119 s");
    EXPECT_EQ(age_text(120s), "2 min");
    EXPECT_EQ(age_text(12min + 59s), "12 min");
    EXPECT_EQ(age_text(2h - 1s), "119 min");
    EXPECT_EQ(age_text(2h), "2 h");
    EXPECT_EQ(age_text(47h + 59min), "47 h");
    EXPECT_EQ(age_text(48h), "2 d");
    EXPECT_EQ(age_text(-3min), "ahead 3 min");
}

static std::string minutes_ago(int minutes) {
    google::protobuf::Timestamp stamp;
    const auto at = std::chrono::system_clock::now() - std::chrono::minutes{minutes};
    stamp.set_seconds(
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
    return time_text(stamp);
}

TEST(Table, AgesAndCountsAreForPeople) {
    const Json row = {{"at", minutes_ago(12)},
                      {"skipped", {{"bad_row", "1"}, {"ahead", "2"}}},
                      {"none", Json::object()},
                      {"odd", "yesterday"}};
    EXPECT_EQ(cell(row, "at", Column::age), "12 min");
    EXPECT_EQ(cell(row, "odd", Column::age), "yesterday");
    EXPECT_EQ(cell(row, "missing", Column::age), "");
    EXPECT_EQ(cell(row, "skipped", Column::counts), "ahead 2, bad_row 1");
    EXPECT_EQ(cell(row, "none", Column::counts), "");
    EXPECT_EQ(cell(row, "missing", Column::counts), "");
}

// Title and cell of each column of the one row that a list prints of `answer`.
static std::map<std::string, std::string> listed(const std::string& noun, const Json& answer) {
    const Verb& verb = verb_named(noun, "list");
    const auto* list =
        method_of(verb.service, verb.method)->output_type()->FindFieldByCamelcaseName(verb.key);
    const Json row = with_short_names(answer, *list->message_type());
    std::map<std::string, std::string> cells;
    for (const Column& column : verb.columns)
        EXPECT_TRUE(cells.emplace(column.title, cell(row, column.path, column.kind)).second)
            << column.title;
    return cells;
}

TEST(Verbs, SourcesAreListedWithTheirAgeAndWhatWasSkippedAndWhy) {
    auto cells = listed("source", {{"source", {{"sourceId", "bow"}, {"active", true}}},
                                   {"lastReadAt", minutes_ago(7)},
                                   {"readings", "42"},
                                   {"skipped", "3"},
                                   {"skippedByReason", {{"bad_row", "1"}, {"ahead", "2"}}},
                                   {"firstFault", "line 3: 6 columns, not 10"},
                                   {"error", "HTTP 500"}});
    EXPECT_EQ(cells["ID"], "bow");
    EXPECT_EQ(cells["AGE"], "7 min");
    EXPECT_EQ(cells["READINGS"], "42");
    EXPECT_EQ(cells["SKIPPED"], "ahead 2, bad_row 1");
    EXPECT_EQ(cells["FIRST FAULT"], "line 3: 6 columns, not 10");
    EXPECT_EQ(cells["ERROR"], "HTTP 500");
}

TEST(Verbs, RulesAreListedWithWhyAndTheAgeOfTheirLastReading) {
    auto cells = listed(
        "rule", {{"rule", {{"ruleId", "high"}, {"threshold", 3}}},
                 {"state", "RULE_STATE_COOLING_DOWN"},
                 {"reason", "above, cooling down until 12:00"},
                 {"lastReading", {{"value", 3.5}, {"unit", "m"}, {"readAt", minutes_ago(12)}}}});
    EXPECT_EQ(cells["STATE"], "cooling_down");
    EXPECT_EQ(cells["WHY"], "above, cooling down until 12:00");
    EXPECT_EQ(cells["LAST"] + " " + cells["UNIT"], "3.5 m");
    EXPECT_EQ(cells["AGE"], "12 min");
    cells = listed("rule", {{"rule", {{"ruleId", "high"}}}, {"state", "RULE_STATE_WITHOUT_DATA"}});
    EXPECT_EQ(cells["STATE"], "without_data");
    EXPECT_EQ(cells["LAST"] + cells["UNIT"] + cells["AGE"], "");
}

TEST(Verbs, CrossingsAreListedWithTheirMessageOrWhyThereIsNone) {
    auto cells = listed("crossing", {{"crossingId", "crx-1"},
                                     {"ruleId", "high"},
                                     {"refused", "template `flood` does not exist; store it"},
                                     {"evidenceRevisions", Json::array({Json::object()})}});
    EXPECT_EQ(cells["RULE"], "high");
    EXPECT_EQ(cells["MESSAGE"], "");
    EXPECT_EQ(cells["REFUSED"], "template `flood` does not exist; store it");
    EXPECT_EQ(cells["CORRECTED"], "1");
}

TEST(Source, IsShownWithTheSeriesThatRulesRead) {
    ::testing::internal::CaptureStdout();
    print_source(
        {{"source", {{"sourceId", "bow"}}},
         {"skippedByReason", {{"no_data", "4"}, {"ahead", "1"}}},
         {"series", Json::array({{{"series", "A:level"},
                                  {"lastReading",
                                   {{"value", 1.25}, {"unit", "m"}, {"readAt", minutes_ago(12)}}}},
                                 {{"series", "B:level"}, {"stale", true}}})}});
    const std::string shown = ::testing::internal::GetCapturedStdout();
    EXPECT_NE(shown.find("sourceId: bow"), std::string::npos) << shown;
    EXPECT_NE(shown.find("skippedByReason: ahead 1, no_data 4"), std::string::npos) << shown;
    EXPECT_NE(shown.find("A:level  1.25  m     12 min"), std::string::npos) << shown;
    EXPECT_NE(shown.find("B:level"), std::string::npos) << shown;
    EXPECT_NE(shown.find("true"), std::string::npos) << shown;
    ::testing::internal::CaptureStdout();
    print_source({{"source", {{"sourceId", "bow"}}}});
    EXPECT_NE(::testing::internal::GetCapturedStdout().find("no rule reads"), std::string::npos);
}

TEST(ShortNames, StandForEnumsAtAnyDepth) {
    const Json release = {{"state", "RELEASE_STATE_FIRING"},
                          {"identifiers", {{"city", "RELEASE_STATE_FIRING"}}},
                          {"deliveries", Json::array({{{"deliveryId", "d-1"},
                                                       {"purpose", "PURPOSE_MESSAGE"},
                                                       {"state", "DELIVERY_STATE_NOT_READY"}}})}};
    const Json shown = with_short_names(release, *publishing::v1::Release::descriptor());
    EXPECT_EQ(shown["state"], "firing");
    EXPECT_EQ(shown["identifiers"]["city"], "RELEASE_STATE_FIRING") << "that is no enum";
    EXPECT_EQ(shown["deliveries"][0]["deliveryId"], "d-1");
    EXPECT_EQ(shown["deliveries"][0]["purpose"], "message");
    EXPECT_EQ(shown["deliveries"][0]["state"], "not_ready");
}

// By the descriptors: proto JSON leaves out a number that is 0, unless it is known to be set.
TEST(Verbs, KnowWhichColumnsAreNumbers) {
    using google::protobuf::FieldDescriptor;
    for (const Verb& verb : verbs()) {
        if (verb.columns.empty()) continue;
        const auto* list =
            method_of(verb.service, verb.method)->output_type()->FindFieldByCamelcaseName(verb.key);
        ASSERT_TRUE(list) << verb.key;
        for (const Column& column : verb.columns) {
            const auto* type = list->message_type();
            const FieldDescriptor* field = nullptr;
            for (const auto part : std::views::split(column.path, '.')) {
                field = type->FindFieldByCamelcaseName(std::string(part.begin(), part.end()));
                ASSERT_TRUE(field) << column.path;
                type = field->message_type();
            }
            const bool number = !field->is_repeated() && !field->has_presence() &&
                                (field->cpp_type() <= FieldDescriptor::CPPTYPE_FLOAT);
            const bool span = column.path.ends_with("Seconds") || column.path.ends_with("Ms");
            EXPECT_EQ(column.kind == Column::number, number && !span)
                << verb.noun << " " << verb.name << ": " << column.path;
        }
    }
}

TEST(Completion, OffersTheValuesOfAVerbsFlag) {
    CLI::App app;
    app.require_subcommand(1);
    std::string unused;
    for (const char* noun : {"message", "review"})
        app.add_subcommand(noun)->add_subcommand("list")->add_option("--state", unused);
    using Words = std::vector<std::string>;
    EXPECT_EQ(candidates(app, {"message", "list", "--state", "dr"}), Words{"draft"});
    EXPECT_EQ(candidates(app, {"review", "list", "--state", "re"}),
              (Words{"returned", "rejected"}));
}

TEST(Completion, OffersVerbsAndFlags) {
    CLI::App app;
    auto* message = app.add_subcommand("message");
    std::string unused;
    message->add_subcommand("create")->add_option("--draft", unused);
    app.add_option("--json", unused);
    EXPECT_EQ(candidates(app, {"mes"}), std::vector<std::string>{"message"});
    EXPECT_EQ(candidates(app, {"message", ""}), std::vector<std::string>{"create"});
    const auto flags = candidates(app, {"message", "create", "--"});
    EXPECT_EQ(std::count(flags.begin(), flags.end(), "--draft"), 1);
    EXPECT_EQ(std::count(flags.begin(), flags.end(), "--json"), 1);
    EXPECT_THROW(completion_script("tcsh"), Failure);
}

TEST(Completion, OffersValuesAndPassesOverThem) {
    CLI::App app;
    std::string unused;
    bool flag = false;
    app.require_subcommand(1);
    app.add_option("--as", unused);
    app.add_flag("--json", flag);
    auto* ledger = app.add_subcommand("ledger");
    ledger->require_subcommand(1);
    ledger->add_option("--world", unused);
    ledger->add_subcommand("tail")->add_option("SERVICE", unused);
    using Words = std::vector<std::string>;
    EXPECT_EQ(candidates(app, {"ledger", "tail", "dr"}), Words{"drafting"});
    EXPECT_EQ(candidates(app, {"ledger", "tail", "--world", "e"}), Words{"exercise"});
    EXPECT_EQ(candidates(app, {"--as", "ledger", "led"}), Words{"ledger"});
    EXPECT_EQ(candidates(app, {"--json", "led"}), Words{"ledger"});
    EXPECT_EQ(candidates(app, {"ledger", "tail", "--wo"}), Words{"--world"});
    EXPECT_EQ(candidates(app, {"--as", ""}), Words{});
    EXPECT_EQ(mistake_in(app, {"--as", "anybody", "ledger", "tail", "drafting"}), "");
    EXPECT_EQ(mistake_in(app, {"ledger", "tial"}), "no such verb: tial; did you mean tail?");
    EXPECT_EQ(mistake_in(app, {"ledger", "tail", "--wrold=x"}),
              "no such flag: --wrold; did you mean --world?");
    EXPECT_EQ(mistake_in(app, {"xyzzy"}), "no such verb: xyzzy; --help lists them");
}

static int run(std::vector<std::string> words) {
    words.insert(words.begin(), "tocsin");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    return App().run(static_cast<int>(arguments.size()), arguments.data());
}

TEST(App, UsageErrorsExitWithTwo) {
    EXPECT_EQ(run({}), 2);
    EXPECT_EQ(run({"nonsense"}), 2);
    EXPECT_EQ(run({"message", "get"}), 2);
    EXPECT_EQ(run({"incident", "create", "--kind", "flood"}), 2);
    EXPECT_EQ(run({"version"}), 0);
    EXPECT_EQ(run({"message", "create", "--help"}), 0);
    EXPECT_EQ(run({"completion", "bash"}), 0);
}

// Runs `use` with standard output going to `path`.
template <class Use>
static auto printing_to(const char* path, Use&& use) {
    std::cout.flush();
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    const int other = open(path, O_WRONLY);
    dup2(other, STDOUT_FILENO);
    close(other);
    auto result = use();
    fflush(stdout);
    std::cout.clear();
    clearerr(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    return result;
}

TEST(App, OutputThatIsLostIsNoSuccess) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"version"},
                                                  {"version", "--json"},
                                                  {"completion", "bash"},
                                                  {"message", "create", "--help"},
                                                  {"--version"},
                                                  {"__complete", "m"}}) {
        ::testing::internal::CaptureStderr();
        EXPECT_EQ(printing_to("/dev/full", [&] { return run(words); }), 1) << words.front();
        const std::string said = ::testing::internal::GetCapturedStderr();
        EXPECT_TRUE(said.starts_with("tocsin: the output cannot be written")) << said;
        EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
        EXPECT_EQ(printing_to("/dev/null", [&] { return run(words); }), 0) << words.front();
    }
    // What is wrong otherwise comes first.
    EXPECT_EQ(printing_to("/dev/full", [] { return run({"nonsense"}); }), 2);
}

TEST(App, WhatGoesOnPrintingEndsWithItsOutput) {
    EXPECT_NO_THROW(check_output());
    EXPECT_TRUE(printing_to("/dev/full", [] {
        std::cout << "a line\n";
        try {
            check_output();
        } catch (const Failure& failure) {
            return failure.exit == Exit::failure;
        }
        return false;
    }));
}

// Where a call with a token in plain text ends; nobody listens at any of these addresses.
static Exit end_of_call(const std::string& address, bool insecure = false) {
    setenv("TOCSIN_TOKEN", "a.b.c", 1);
    Options options;
    options.addresses["drafting"] = address;
    options.insecure = insecure;
    options.timeout_text = "300ms";
    Exit end = Exit::ok;
    try {
        Client(options).call("drafting", "ListMessages", Json::object());
    } catch (const Failure& failure) {
        end = failure.exit;
        const std::string said = failure.what();
        EXPECT_EQ(end == Exit::usage, said.find("--insecure") != std::string::npos) << said;
    }
    unsetenv("TOCSIN_TOKEN");
    return end;
}

TEST(Client, SendsNoTokenInPlainTextOffThisMachine) {
    for (const char* away :
         {"192.0.2.1:1", "drafting.example.org:1", "localhost.example:1", "127.1.evil:1",
          "127.0.0.1.example:1", "[2001:db8::1]:1", "dns:///192.0.2.1:1", "0.0.0.0:1"})
        EXPECT_EQ(end_of_call(away), Exit::usage) << away;
    EXPECT_NE(end_of_call("192.0.2.1:1", true), Exit::usage);
    for (const char* here : {"127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"})
        EXPECT_NE(end_of_call(here), Exit::usage) << here;
}

// The failure of `use`, which has to fail.
template <class Use>
static Failure failure_of(Use&& use) {
    try {
        use();
    } catch (const Failure& failure) {
        return failure;
    }
    ADD_FAILURE() << "it did not fail";
    return {Exit::ok, ""};
}

class Files : public ::testing::Test {
protected:
    Files() { std::filesystem::create_directories(folder_); }
    ~Files() override {
        unsetenv("TOCSIN_TOKEN");
        std::filesystem::remove_all(folder_);
    }
    std::string file(const std::string& text) const {
        const std::string path = folder_ / "file";
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    static std::string token_in(const std::string& path) {
        Options options;
        options.token_file = path;
        return bearer_token(options);
    }
    static void expect_refused(const std::string& path, const std::string& words,
                               Exit exit = Exit::auth) {
        const Failure failure = failure_of([&] { token_in(path); });
        EXPECT_EQ(failure.exit, exit) << failure.what();
        EXPECT_TRUE(std::string(failure.what()).starts_with(path + ": " + words)) << failure.what();
    }

    const std::filesystem::path folder_ =
        std::filesystem::path(::testing::TempDir()) / ("cli-files-" + std::to_string(getpid()));
};

TEST_F(Files, ATokenIsReadWithoutWhatEditorsAdd) {
    EXPECT_EQ(token_in(file("a.b.c")), "a.b.c");
    EXPECT_EQ(token_in(file("\xEF\xBB\xBF a.b.c\r\n")), "a.b.c");
}

// gRPC ends the process over what it cannot send.
TEST_F(Files, ATokenThatCannotBeSentIsRefusedWithItsOrigin) {
    expect_refused(file("a\nb"), "is no token: its byte 2 is 0x0a");
    expect_refused(file("a.b.\u00E9"), "is no token: its byte 5 is 0xc3");
    expect_refused(file("a.b.\x7f"), "is no token: its byte 5 is 0x7f");
    expect_refused(file("Bearer a.b.c"), "is no token: its byte 7 is 0x20");
    expect_refused(file(" \n"), "holds no token");
    for (const std::string& bad : {std::string("a\nb"), std::string("\xff.a.b"),
                                   std::string("\xEF\xBB\xBF"
                                               "a.b.c"),
                                   std::string((64 << 10) + 1, 'a')}) {
        setenv("TOCSIN_TOKEN", bad.c_str(), 1);
        const Failure failure = failure_of([] { bearer_token(Options{}); });
        EXPECT_EQ(failure.exit, Exit::auth);
        EXPECT_TRUE(std::string(failure.what()).starts_with("TOCSIN_TOKEN: is no token: "))
            << failure.what();
    }
}

TEST_F(Files, WhatIsNoFileOrTooLongIsNamed) {
    expect_refused(folder_, "is a folder; name a file", Exit::usage);
    expect_refused(folder_ / "none", "cannot be read", Exit::usage);
    expect_refused("/dev/null", "holds no token");
    expect_refused("/dev/zero", "has more than 64 KiB", Exit::usage);
    EXPECT_EQ(std::string(failure_of([] { read_file("/dev/zero"); }).what()),
              "/dev/zero: has more than 4096 KiB, the most that is read");
    const std::string most(file_bytes_max, ' ');
    EXPECT_EQ(read_file(file(most)).size(), most.size());
    EXPECT_EQ(failure_of([&] { read_file(file(most + " ")); }).exit, Exit::usage);
}

TEST(Client, ACertificateNeedsItsKey) {
    setenv("TOCSIN_TOKEN", "a.b.c", 1);
    Options options;
    options.addresses["drafting"] = "127.0.0.1:1";
    options.cert = "cert.pem";
    const Failure failure =
        failure_of([&] { Client(options).call("drafting", "ListMessages", Json::object()); });
    EXPECT_EQ(failure.exit, Exit::usage);
    EXPECT_EQ(std::string(failure.what()),
              "--cert and --key belong together: give both, or neither");
    unsetenv("TOCSIN_TOKEN");
}

TEST(App, WhatIsNotUtf8IsNamedAtOnce) {
    const auto said_of = [](const std::vector<std::string>& words) {
        ::testing::internal::CaptureStderr();
        EXPECT_EQ(run(words), 2);
        return ::testing::internal::GetCapturedStderr();
    };
    EXPECT_EQ(said_of({"reject", "m", "--reason", "\xff\xfe"}), "tocsin: --reason: is not UTF-8\n");
    EXPECT_EQ(said_of({"reject", "m", "--reason=\xc3"}), "tocsin: --reason: is not UTF-8\n");
    EXPECT_EQ(said_of({"--as", "calgary\xff", "message", "list"}), "tocsin: --as: is not UTF-8\n");
    EXPECT_EQ(said_of({"--json", "message", "get", "\xed\xa0\x80"}),
              "tocsin: argument 4: is not UTF-8\n");
    EXPECT_EQ(said_of({"--\xff", "message"}), "tocsin: argument 1: is not UTF-8\n");
}

TEST(App, MakesAnIssuerOnceAndTokensWithIt) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("tocsin-cli-" + std::to_string(getpid()));
    ASSERT_EQ(run({"token", "init", "--dir", folder.string()}), 0);
    const auto key = folder / "issuer.key.pem";
    const std::string first = read_file(key.string());
    EXPECT_EQ(std::filesystem::status(key).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    ASSERT_EQ(run({"token", "init", "--dir", folder.string()}), 0);
    EXPECT_EQ(read_file(key.string()), first);
    setenv("TOCSIN_ISSUER_KEY", key.c_str(), 1);
    EXPECT_EQ(
        run({"token", "--as", "ana", "--realm", "r", "--agency", "a", "--roles", "author,admin"}),
        0);
    EXPECT_EQ(run({"token", "--as", "ana"}), 2);
    unsetenv("TOCSIN_ISSUER_KEY");
    std::filesystem::remove_all(folder);
}

}  // namespace tocsin::cli
