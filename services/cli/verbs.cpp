// The table of verbs that are one call each. To add one: a row here.
#include "cli/verb.hpp"
#include "content/channel.hpp"
#include "content/lifecycle.hpp"

namespace tocsin::cli {

namespace {

using Kind = Field::Kind;

Field id(std::string path, std::string meaning) {
    return {"ID", std::move(path), std::move(meaning), Kind::text, true};
}
Field reason() { return {"--reason", "reason", "why, for the record", Kind::text, true}; }

std::vector<Field> paged(std::vector<Field> more = {}) {
    more.push_back({"--page-size", "pageSize", "most rows", Kind::number});
    more.push_back({"--page-token", "pageToken", "from the page before"});
    return more;
}

std::vector<std::string> lifecycles() {
    std::vector<std::string> names;
    names.reserve(content::all_lifecycles.size());
    for (const content::Lifecycle one : content::all_lifecycles)
        names.emplace_back(content::name(one));
    return names;
}

std::vector<std::string> channel_kinds() {
    std::vector<std::string> names;
    for (const auto& one : content::all_kinds()) names.emplace_back(one.kind);
    return names;
}

std::vector<Verb> incident_verbs() {
    return {
        {"incident",
         "create",
         "drafting",
         "CreateIncident",
         "open an incident",
         "tocsin incident create --kind flood --title 'Saguenay in flood'",
         {{"--kind", "kind", "kind, such as flood", Kind::text, true},
          {"--title", "title", "name for people", Kind::text, true},
          {"--agency-of", "agencies", "agency taking part, repeatable", Kind::list}}},
        {"incident",
         "get",
         "drafting",
         "GetIncident",
         "show an incident",
         "tocsin incident get INCIDENT",
         {id("incidentId", "incident")},
         "incident"},
        {"incident",
         "list",
         "drafting",
         "ListIncidents",
         "list incidents, newest first",
         "tocsin incident list",
         paged(),
         "incidents",
         {{"ID", "incidentId"},
          {"KIND", "kind"},
          {"AGENCIES", "agencies"},
          {"OPENED", "createTime"},
          {"TITLE", "title"}}},
    };
}

std::vector<Verb> template_verbs() {
    return {
        {"template",
         "put",
         "drafting",
         "PutTemplate",
         "store a template",
         "tocsin template put flood.json",
         {{"FILE", "", "JSON with templateId, draft, expiresAfterSeconds", Kind::file, true},
          {"--id", "templateId", "id, instead of the one in the file"},
          {"--etag", "etag", "version that it replaces"}}},
        {"template",
         "get",
         "drafting",
         "GetTemplate",
         "show a template",
         "tocsin template get flood",
         {id("templateId", "template")},
         "template"},
        {"template",
         "list",
         "drafting",
         "ListTemplates",
         "list templates",
         "tocsin template list",
         paged(),
         "templates",
         {{"ID", "templateId"},
          {"VERSION", "version", Column::number},
          {"AGENCY", "agency"},
          {"PLACEHOLDERS", "placeholders"},
          {"TITLE", "draft.title"}}},
    };
}

std::vector<Verb> message_verbs() {
    return {
        {"message",
         "create",
         "drafting",
         "CreateMessage",
         "start a message",
         "tocsin message create --incident I --template flood --value level=4.2",
         {{"--incident", "incidentId", "incident that it belongs to", Kind::text, true},
          {"--draft", "draft", "JSON file with the draft", Kind::file},
          {"--template", "templateId", "template to fill instead"},
          {"--value", "values", "NAME=VALUE for the template, repeatable", Kind::map},
          {"--type", "messageType", "alert, update or cancel", Kind::name},
          {"--reference", "references", "SENDER,IDENTIFIER,SENT of an earlier alert",
           Kind::reference}}},
        {"message",
         "withdraw",
         "drafting",
         "WithdrawMessage",
         "give a draft up",
         "tocsin message withdraw MESSAGE --reason 'false alarm'",
         {id("messageId", "message"), reason()}},
        {"message",
         "get",
         "drafting",
         "GetMessage",
         "show a message",
         "tocsin message get MESSAGE",
         {id("messageId", "message")},
         "message"},
        {"message",
         "list",
         "drafting",
         "ListMessages",
         "list messages, newest first",
         "tocsin message list --state in_review",
         paged({{"--incident", "incidentId", "only of this incident"},
                {"--state", "state", "only in this state", Kind::text, false, lifecycles()}}),
         "messages",
         {{"ID", "messageId"},
          {"STATE", "state"},
          {"ETAG", "etag"},
          {"AGENCY", "agency"},
          {"UPDATED", "updateTime"},
          {"TITLE", "draft.title"}}},
    };
}

std::vector<Verb> decision_verbs() {
    return {
        {"",
         "request-changes",
         "approval",
         "RequestChanges",
         "send a text back to its author",
         "tocsin request-changes MESSAGE --reason 'the street is wrong'",
         {id("messageId", "message"), reason()}},
        {"",
         "reject",
         "approval",
         "Reject",
         "refuse a message for good",
         "tocsin reject MESSAGE --reason hoax",
         {id("messageId", "message"), reason()}},
        {"",
         "take-back",
         "approval",
         "TakeBack",
         "take a submitted text back to edit it",
         "tocsin take-back MESSAGE --reason typo",
         {id("messageId", "message"), reason()}},
        {"review",
         "list",
         "approval",
         "ListReviews",
         "list reviews, newest first",
         "tocsin review list --state in_review",
         paged({{"--state",
                 "state",
                 "only in this state",
                 Kind::text,
                 false,
                 {"in_review", "cleared", "returned", "rejected"}}}),
         "reviews",
         {{"MESSAGE", "messageId"},
          {"STATE", "state"},
          {"SUBMITTED", "submitTime"},
          {"CLEARED", "clearTime"},
          {"CORRECTED", "evidenceRevisions"},
          {"DIGEST", "digest"}}},
    };
}

std::vector<Verb> policy_verbs() {
    return {
        {"policy",
         "set",
         "approval",
         "SetPolicy",
         "set your agency's policy for one severity",
         "tocsin policy set --severity severe --quorum 2 --role approver",
         {{"--severity", "severity", "extreme, severe, moderate, minor or unknown", Kind::name,
           true},
          {"--quorum", "quorum", "distinct people needed", Kind::number, true},
          {"--role",
           "roles",
           "role that counts, repeatable",
           Kind::list,
           true,
           {"approver", "duty-officer"}}}},
        {"policy",
         "list",
         "approval",
         "ListPolicies",
         "list policies",
         "tocsin policy list",
         paged(),
         "policies",
         {{"AGENCY", "agencyId"},
          {"SEVERITY", "severity"},
          {"QUORUM", "quorum", Column::number},
          {"ROLES", "roles"}}},
        {"roster",
         "import",
         "approval",
         "ImportRoster",
         "replace the roster",
         "tocsin roster import roster.json",
         {{"FILE", "roster", "JSON with agencies and people", Kind::file, true}}},
        {"roster",
         "get",
         "approval",
         "GetRoster",
         "show the roster",
         "tocsin roster get",
         {},
         "roster"},
    };
}

std::vector<Verb> publishing_verbs() {
    return {
        {"channel",
         "put",
         "publishing",
         "PutChannel",
         "add or replace a channel",
         "tocsin channel put page --kind feed --name 'Public feed'",
         {id("channelId", "channel"),
          {"--kind", "kind", "what kind of channel it is", Kind::text, true, channel_kinds()},
          {"--name", "name", "name for people", Kind::text, true},
          {"--url", "url", "where it is"},
          {"--credential", "credential", "name of the credential on the server"},
          {"--language", "languages", "language that it carries, repeatable", Kind::list}}},
        {"channel",
         "remove",
         "publishing",
         "RemoveChannel",
         "take a channel out of use",
         "tocsin channel remove page",
         {id("channelId", "channel")}},
        {"channel",
         "list",
         "publishing",
         "ListChannels",
         "list channels",
         "tocsin channel list",
         paged(),
         "channels",
         {{"ID", "channelId"},
          {"AGENCY", "agencyId"},
          {"KIND", "kind"},
          {"ACTIVE", "active"},
          {"LANGUAGES", "languages"},
          {"URL", "url"},
          {"NAME", "name"}}},
        {"release",
         "list",
         "publishing",
         "ListReleases",
         "list releases, newest first",
         "tocsin release list",
         paged(),
         "releases",
         {{"ID", "releaseId"},
          {"MESSAGE", "messageId"},
          {"STATE", "state"},
          {"T0", "fireAt"},
          {"REASON", "reason"}}},
        {"release",
         "cancel",
         "publishing",
         "CancelRelease",
         "stop a release of which nothing went out",
         "tocsin release cancel RELEASE --reason 'all clear'",
         {id("releaseId", "release"), reason()}},
        {"release",
         "retract",
         "publishing",
         "RetractRelease",
         "stop a release, and take back what is public",
         "tocsin release retract RELEASE --reason 'sent in error'",
         {id("releaseId", "release"), reason()}},
    };
}

std::vector<Verb> source_verbs() {
    return {
        {"source",
         "put",
         "trigger",
         "PutSource",
         "add or replace a source",
         "tocsin source put usgs --format usgs-json --url https://example.org/iv --poll-seconds 60",
         {id("sourceId", "source"),
          {"--format",
           "format",
           "usgs-json or eccc-csv",
           Kind::text,
           true,
           {"usgs-json", "eccc-csv"}},
          {"--url", "url", "where to poll", Kind::text, true},
          {"--poll-seconds", "pollSeconds", "seconds between polls", Kind::number, true},
          {"--stale-seconds", "staleSeconds", "stale where the newest reading is older, seconds",
           Kind::number}}},
        {"source",
         "remove",
         "trigger",
         "RemoveSource",
         "take a source out of use",
         "tocsin source remove usgs",
         {id("sourceId", "source")}},
        {"source",
         "list",
         "trigger",
         "ListSources",
         "list sources and their health",
         "tocsin source list",
         paged(),
         "sources",
         {{"ID", "source.sourceId"},
          {"ACTIVE", "source.active"},
          {"FORMAT", "source.format"},
          {"LAST READING", "lastReadAt"},
          {"AGE", "lastReadAt", Column::age},
          {"READINGS", "readings", Column::number},
          {"SKIPPED", "skippedByReason", Column::counts},
          {"FIRST FAULT", "firstFault"},
          {"STALE", "stale"},
          {"ERROR", "error"}}},
    };
}

std::vector<Verb> rule_verbs() {
    return {
        {"rule",
         "put",
         "trigger",
         "PutRule",
         "add or replace a rule",
         "tocsin rule put high-water --source usgs --series 01646500:00065 --threshold 4 "
         "--template flood --incident I",
         {id("ruleId", "rule"),
          {"--source", "sourceId", "source", Kind::text, true},
          {"--series", "series", "STATION:PARAMETER", Kind::text, true},
          {"--threshold", "threshold", "crosses at or above", Kind::number, true},
          {"--hysteresis", "hysteresis", "falls back below threshold less this", Kind::number},
          {"--for-seconds", "forSeconds", "must stay for this long", Kind::number},
          {"--cooldown-seconds", "cooldownSeconds", "silent for this long after one", Kind::number},
          {"--template", "templateId", "template to fill", Kind::text, true},
          {"--incident", "incidentId", "incident that it belongs to", Kind::text, true},
          {"--time-zone", "timeZone", "for times in the text, such as America/Toronto"},
          {"--unit", "unit", "of the threshold, as the source names it"},
          {"--max-age-seconds", "maxAgeSeconds", "older readings start nothing; 3 hours",
           Kind::number},
          {"--max-gap-seconds", "maxGapSeconds", "readings further apart have a gap; 1 hour",
           Kind::number}}},
        {"rule",
         "remove",
         "trigger",
         "RemoveRule",
         "switch a rule off",
         "tocsin rule remove high-water",
         {id("ruleId", "rule")}},
        {"rule",
         "list",
         "trigger",
         "ListRules",
         "list rules and where each stands",
         "tocsin rule list",
         paged(),
         "rules",
         {{"ID", "rule.ruleId"},
          {"STATE", "state"},
          {"WHY", "reason"},
          {"SERIES", "rule.series"},
          {"THRESHOLD", "rule.threshold", Column::number},
          {"LAST", "lastReading.value", Column::number},
          {"UNIT", "lastReading.unit"},
          {"AGE", "lastReading.readAt", Column::age},
          {"CROSSINGS", "crossings", Column::number},
          {"TOO OLD", "passedOver.readAt"},
          {"REFUSED", "refused"}}},
        {"crossing",
         "list",
         "trigger",
         "ListCrossings",
         "list crossings, newest first",
         "tocsin crossing list",
         paged(),
         "crossings",
         {{"ID", "crossingId"},
          {"RULE", "ruleId"},
          {"INCIDENT", "incidentId"},
          {"AT", "crossTime"},
          {"MESSAGE", "messageId"},
          {"REFUSED", "refused"},
          {"CORRECTED", "evidenceRevisions"}}},
    };
}

std::vector<Verb> scorecard_verbs() {
    return {
        {"scorecard",
         "get",
         "measurement",
         "GetScorecard",
         "show what a message took and achieved",
         "tocsin scorecard get MESSAGE",
         {id("messageId", "message")},
         "scorecard"},
        {"scorecard",
         "list",
         "measurement",
         "ListScorecards",
         "list scorecards, newest first",
         "tocsin scorecard list",
         paged(),
         "scorecards",
         {{"MESSAGE", "messageId"},
          {"TO DRAFT", "readingToDraftSeconds"},
          {"TO CLEARED", "draftToClearedSeconds"},
          {"TO LAST CHANNEL", "clearedToLastChannelSeconds"},
          {"TO CORRECTED", "mistakeToCorrectedSeconds"},
          {"SKEW MS", "skewMs"}}},
        {"",
         "remark",
         "measurement",
         "AddRemark",
         "add a remark to a message's timeline",
         "tocsin remark MESSAGE --text 'mayor informed'",
         {id("messageId", "message"), {"--text", "text", "words", Kind::text, true}}},
    };
}

}  // namespace

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> all = [] {
        std::vector<Verb> rows;
        for (auto part :
             {incident_verbs(), template_verbs(), message_verbs(), decision_verbs(), policy_verbs(),
              publishing_verbs(), source_verbs(), rule_verbs(), scorecard_verbs()})
            rows.insert(rows.end(), part.begin(), part.end());
        return rows;
    }();
    return all;
}

}  // namespace tocsin::cli
