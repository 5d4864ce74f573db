#include "cli/special_verbs.hpp"

#include "cli/disclosure.hpp"
#include "cli/short_names.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "content/content.hpp"
#include "runtime/base/digest.hpp"
#include "tocsin/approval/v1/review.pb.h"
#include "tocsin/drafting/v1/message.pb.h"
#include "tocsin/publishing/v1/release.pb.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <random>
#include <thread>

namespace tocsin::cli {

static std::string current_etag(Client& client, const Edit& edit) {
    if (!edit.etag.empty()) return edit.etag;
    return cell(client.call("drafting", "GetMessage", {{"messageId", edit.message}}),
                "message.etag");
}

static Json draft_in(const std::string& path) {
    Json file = Json::parse(read_file(path), nullptr, false);
    if (!file.is_object()) throw Failure(Exit::usage, fmt::format("{}: not a JSON object", path));
    return file.contains("draft") ? file["draft"] : file;
}

void revise_message(Client& client, const Options& options, const Edit& edit) {
    Json request{{"messageId", edit.message}, {"draft", draft_in(edit.draft_file)}};
    request["etag"] = current_etag(client, edit);
    print_change(client.call("drafting", "ReviseMessage", request), options.json);
}

void submit_message(Client& client, const Options& options, const Edit& edit) {
    Json request{{"messageId", edit.message}, {"acknowledgedWarnings", edit.acknowledged}};
    request["etag"] = current_etag(client, edit);
    print_change(client.call("drafting", "SubmitMessage", request), options.json);
}

static std::string body_of(const Json& rendition) {
    return printable(runtime::unbase64(cell(rendition, "body")).value_or("(not readable)"));
}

void preview_message(Client& client, const Options& options, const std::string& source) {
    Json draft;
    if (source == "-" || access(source.c_str(), R_OK) == 0)
        draft = draft_in(source);
    else
        draft = client.call("drafting", "GetMessage", {{"messageId", source}})
                    .value("message", Json::object())
                    .value("draft", Json::object());
    const Json answer = client.call("drafting", "PreviewMessage", {{"draft", draft}});
    if (options.json) {
        std::cout << answer.dump(2) << "\n";
        return;
    }
    for (const Json& preview : answer.value("previews", Json::array())) {
        const Json& rendition = preview.value("rendition", Json::object());
        const std::string limit = cell(rendition, "lengthMax");
        std::cout << fmt::format("== {} {} ({}{})\n{}\n\n", cell(preview, "kind"),
                                 cell(rendition, "language"), cell(rendition, "length"),
                                 limit.empty() || limit == "0" ? "" : " of " + limit,
                                 body_of(rendition));
    }
    const Json findings = answer.value("findings", Json::array());
    if (!findings.empty())
        print_table(
            findings,
            {{"BLOCKS", "blocks"}, {"CODE", "code"}, {"FIELD", "field"}, {"WHAT TO DO", "text"}});
}

content::Content reviewed_content(const Json& review) {
    if (review.value("contentDropped", false))
        throw Failure(Exit::precondition,
                      "the review ended long ago and its content is no longer kept: there is "
                      "nothing to approve");
    const auto bytes = runtime::unbase64(review.value("content", ""));
    if (!bytes || runtime::hex(runtime::sha256(*bytes)) != review.value("digest", ""))
        throw Failure(Exit::failure,
                      "the review's digest is not that of its content: do not approve");
    content::Content content;
    if (!content.ParseFromString(*bytes))
        throw Failure(Exit::failure, "the content under review cannot be read");
    if (const std::string unknown = unknown_part(content); !unknown.empty())
        throw Failure(Exit::failure,
                      fmt::format("the content has something that this tocsin ({}) does not know "
                                  "and so cannot show ({}): nothing is approved; upgrade the "
                                  "command line, then look again",
                                  TOCSIN_VERSION, unknown));
    // Repeated and misplaced parts would be in the digest and not in what is shown.
    if (const auto strict = content::parse(*bytes); !strict)
        throw Failure(Exit::failure,
                      fmt::format("{}: nothing is approved; upgrade the command line if the "
                                  "services are newer, otherwise inform their operator",
                                  strict.error()));
    return content;
}

// `1,900 m3/s`. The value is the provider's, with as many digits as it has.
static std::string amount_in(const Json& evidence) {
    const Json& value = evidence.value("value", Json(0.0));
    std::string text =
        value.is_number() ? fmt::format("{}", value.get<double>()) : cell(evidence, "value");
    const auto begin = text.find_first_of("0123456789");
    auto place = std::min(text.find_first_not_of("0123456789", begin), text.size());
    const bool plain = text.find_first_not_of("-.0123456789") == std::string::npos;
    while (plain && place > begin + 3) text.insert(place -= 3, ",");
    const std::string unit = evidence.value("unit", "");
    return visible(text + (unit.empty() ? "" : " " + unit));
}

std::vector<std::string> corrections_in(const Json& review) {
    std::vector<std::string> sentences;
    for (const Json& revision : review.value("evidenceRevisions", Json::array())) {
        const Json before = revision.value("before", Json::object());
        const std::string reading =
            fmt::format("{} at {} was {}", visible(before.value("series", "")),
                        visible(before.value("readAt", "")), amount_in(before));
        sentences.push_back(
            revision.contains("after")
                ? fmt::format("The provider corrected a reading since: {}, is {}", reading,
                              amount_in(revision["after"]))
                : fmt::format("The provider withdrew a reading since: {}", reading));
    }
    return sentences;
}

void get_review(Client& client, const Options& options, const std::string& message) {
    const Json answer = client.call("approval", "GetReview", {{"messageId", message}});
    if (options.json) {
        std::cout << answer.dump(2) << "\n";
        return;
    }
    print_review(answer.value("review", Json::object()));
}

void print_review(Json review) {
    for (const std::string& sentence : corrections_in(review)) std::cout << sentence << "\n";
    review.erase("evidenceRevisions");
    print_record(with_short_names(std::move(review), *approval::v1::Review::descriptor()));
}

// Corrections last, next to the question: what is above them fills more than a screen.
std::string text_to_approve(const Json& review) {
    std::string text = fmt::format("{}digest {}\n", disclosure(reviewed_content(review)),
                                   review.value("digest", ""));
    for (const std::string& sentence : corrections_in(review)) text += sentence + "\n";
    return text;
}

static bool confirmed() {
    std::cerr << "Approve exactly these words? [y/N] " << std::flush;
    std::string line;
    return std::getline(std::cin, line) && (line == "y" || line == "yes");
}

void approve(Client& client, const Options& options, const Approving& approving) {
    const Json review = client.call("approval", "GetReview", {{"messageId", approving.message}})
                            .value("review", Json::object());
    std::cerr << text_to_approve(review);
    const std::string digest = review.value("digest", "");
    if (!approving.digest.empty() && approving.digest != digest)
        throw Failure(Exit::precondition,
                      fmt::format("the text has changed: its digest is {} now", digest));
    if (!options.yes) {
        if (isatty(STDIN_FILENO) == 0)
            throw Failure(Exit::usage,
                          "there is no terminal to confirm on: read the text above and give --yes");
        if (!confirmed()) throw Failure(Exit::failure, "not approved");
    }
    print_change(
        client.call(
            "approval", "Approve",
            {{"messageId", approving.message}, {"digest", digest}, {"comment", approving.comment}}),
        options.json);
}

static publishing::v1::Release release_in(const Json& json) {
    publishing::v1::Release release;
    if (!google::protobuf::util::JsonStringToMessage(json.dump(), &release).ok())
        throw Failure(Exit::failure, "the release cannot be read");
    return release;
}

// The worst news decides: something unknown weighs more than something refused.
static Exit exit_of_release(const publishing::v1::Release& release) {
    std::map<publishing::v1::DeliveryState, int> states;
    for (const auto& delivery : release.deliveries()) ++states[delivery.state()];
    if (states[publishing::v1::DELIVERY_STATE_UNKNOWN] > 0) return Exit::unknown_outcome;
    const bool out = release.state() == publishing::v1::RELEASE_STATE_FIRING ||
                     release.state() == publishing::v1::RELEASE_STATE_RELEASED ||
                     release.state() == publishing::v1::RELEASE_STATE_RETRACTED ||
                     release.state() == publishing::v1::RELEASE_STATE_PARTLY_RETRACTED ||
                     release.state() == publishing::v1::RELEASE_STATE_RETRACTING;
    const int failed = states[publishing::v1::DELIVERY_STATE_REFUSED] +
                       states[publishing::v1::DELIVERY_STATE_NOT_READY] +
                       states[publishing::v1::DELIVERY_STATE_SKIPPED];
    if (out && failed > 0 && states[publishing::v1::DELIVERY_STATE_CONFIRMED] > 0)
        return Exit::partly_published;
    return Exit::ok;
}

void get_release(Client& client, const Options& options, const std::string& release,
                 const std::string& message) {
    const Json answer =
        client.call("publishing", "GetRelease", {{"releaseId", release}, {"messageId", message}});
    const Json found = answer.value("release", Json::object());
    if (options.json) {
        std::cout << answer.dump(2) << "\n";
    } else {
        Json head = with_short_names(found, *publishing::v1::Release::descriptor());
        const Json deliveries = head.value("deliveries", Json::array());
        head.erase("deliveries");
        print_record(head);
        print_table(deliveries, {{"CHANNEL", "channelId"},
                                 {"KIND", "kind"},
                                 {"LANGUAGE", "language"},
                                 {"PURPOSE", "purpose"},
                                 {"STATE", "state"},
                                 {"ATTEMPTS", "attempts", Column::number},
                                 {"CONFIRMED", "confirmedAt"},
                                 {"NEXT", "nextAction"},
                                 {"AT", "nextActionAt"},
                                 {"URL", "url"},
                                 {"REASON", "reason"}});
    }
    const Exit exit = exit_of_release(release_in(found));
    if (exit == Exit::unknown_outcome)
        throw Failure(exit, "a delivery was sent and is not confirmed: its outcome is unknown");
    if (exit == Exit::partly_published) throw Failure(exit, "not every channel has it");
}

// Of the pages of all: there are 200 at most that are in use.
static Json find_source(Client& client, const std::string& source) {
    std::string token;
    do {
        const Json page =
            client.call("trigger", "ListSources", {{"pageSize", 500}, {"pageToken", token}});
        for (const Json& row : page.value("sources", Json::array()))
            if (cell(row, "source.sourceId") == source) return row;
        token = cell(page, "nextPageToken");
    } while (!token.empty());
    throw Failure(Exit::not_found, fmt::format("there is no source `{}`", source));
}

void get_source(Client& client, const Options& options, const std::string& source) {
    const Json found = find_source(client, source);
    if (options.json)
        std::cout << found.dump(2) << "\n";
    else
        print_source(found);
}

void print_source(Json source) {
    const Json series = source.value("series", Json::array());
    source.erase("series");
    if (source.contains("skippedByReason"))
        source["skippedByReason"] = cell(source, "skippedByReason", Column::counts);
    print_record(source);
    if (series.empty()) {
        std::cout << "no rule reads a series of it\n";
        return;
    }
    print_table(series, {{"SERIES", "series"},
                         {"LAST", "lastReading.value", Column::number},
                         {"UNIT", "lastReading.unit"},
                         {"AGE", "lastReading.readAt", Column::age},
                         {"READ AT", "lastReading.readAt"},
                         {"STALE", "stale"}});
}

static void print_watched(const Json& watched, const Options& options) {
    const Json message = with_short_names(watched, *drafting::v1::Message::descriptor());
    if (options.json)
        std::cout << watched.dump() << "\n";
    else
        std::cout << fmt::format("{}  {:10}  {}  {}", cell(message, "updateTime"),
                                 cell(message, "state"), cell(message, "messageId"),
                                 cell(message, "draft.title"))
                  << "\n";
    check_output();
}

bool goes_on(const grpc::Status& ended) {
    switch (ended.error_code()) {
        case grpc::StatusCode::OK:
        case grpc::StatusCode::UNAVAILABLE:
        case grpc::StatusCode::CANCELLED:
        case grpc::StatusCode::DEADLINE_EXCEEDED:
        // The roster gives other roles: the new stream shows what these may read, or is refused.
        case grpc::StatusCode::ABORTED:
            return true;
        case grpc::StatusCode::RESOURCE_EXHAUSTED:
            // Printing was slower than the changes: the new stream begins with the present states.
            return ended.error_details().contains("SLOW_READER");
        case grpc::StatusCode::UNKNOWN:
        case grpc::StatusCode::INVALID_ARGUMENT:
        case grpc::StatusCode::NOT_FOUND:
        case grpc::StatusCode::ALREADY_EXISTS:
        case grpc::StatusCode::PERMISSION_DENIED:
        case grpc::StatusCode::FAILED_PRECONDITION:
        case grpc::StatusCode::OUT_OF_RANGE:
        case grpc::StatusCode::UNIMPLEMENTED:
        case grpc::StatusCode::INTERNAL:
        case grpc::StatusCode::DATA_LOSS:
        case grpc::StatusCode::UNAUTHENTICATED:
        case grpc::StatusCode::DO_NOT_USE:
            break;
    }
    return false;
}

// The stream of an incident that does not exist is silent.
static void check_exists(Client& client, const std::string& incident) {
    try {
        client.call("drafting", "GetIncident", {{"incidentId", incident}});
    } catch (const Failure& failure) {
        // Who may not read the incident may still read messages of it.
        if (failure.exit != Exit::auth) throw;
    }
}

void watch(Client& client, const Options& options, const std::string& incident) {
    if (!incident.empty()) check_exists(client, incident);
    std::map<std::string, std::string> shown;  // by message: what of it was printed last
    std::mt19937 random{std::random_device{}()};
    for (int failures = 0;;) {
        const auto status = client.watch(incident, [&](const Json& response) {
            failures = 0;
            const auto found = response.find("message");
            if (found == response.end()) return true;
            // After a break the stream repeats everything; only what differs is printed.
            const std::string now = cell(*found, "state") + ' ' + cell(*found, "etag") + ' ' +
                                    cell(*found, "updateTime");
            if (std::exchange(shown[cell(*found, "messageId")], now) != now)
                print_watched(*found, options);
            return true;
        });
        if (!goes_on(status)) throw Failure(exit_of(status.error_code()), words_of(status));
        if (failures == 0) std::cerr << "interrupted; resuming\n";
        const int base = std::min(100 << std::min(failures++, 6), 5000);
        std::uniform_int_distribution<int> spread(base / 2, base);
        std::this_thread::sleep_for(std::chrono::milliseconds(spread(random)));
    }
}

void ledger_status(Client& client, const Options& options, const std::string& service) {
    const Json answer = client.call(service, "GetStatus", {{"service", service}});
    if (options.json) {
        std::cout << answer.dump(2) << "\n";
        return;
    }
    Json rows = answer.value("partitions", Json::array());
    for (Json& row : rows) {
        std::string why = cell(row, "halted");
        for (const std::string& other : row.value("inputsHalted", std::vector<std::string>{}))
            why += (why.empty() ? "" : "; ") + other;
        if (const std::string clock = cell(row, "clockOff"); !clock.empty())
            why += (why.empty() ? "" : "; ") + clock;
        row["why"] = why;
        row["clock"] = fmt::format("{:+.3f} s", row.value("clockAheadSeconds", 0.0));
    }
    print_table(rows, {{"PARTITION", "partition", Column::number},
                       {"NEXT", "nextOffset", Column::number},
                       {"DECISIONS", "decisions", Column::number},
                       {"VOID", "voidRecords", Column::number},
                       {"UNDECIDED", "undecided", Column::number},
                       {"WRITER", "writer"},
                       {"DECIDED", "decidedAt"},
                       {"KEY", "keyId"},
                       {"CLOCK", "clock"},
                       {"HALTED", "why"}});
    std::cerr << "instance " << cell(answer, "instance") << ", Kafka "
              << (answer.value("kafkaConnected", false)
                      ? "connected"
                      : "silent for " + cell(answer, "staleSeconds") + " s")
              << "\n";
}

}  // namespace tocsin::cli
