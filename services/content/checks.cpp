#include "content/checks.hpp"

#include "content/channel.hpp"
#include "content/check_parts.hpp"
#include "content/texts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::content {
namespace {

using namespace std::chrono_literals;

constexpr auto expiry_max = 7 * 24h;
constexpr auto expiry_usual = 24h;
constexpr auto release_ahead_max = 30 * 24h;

void check_world(const Draft& draft, std::string_view world, Findings& found) {
    const bool exercise = draft.status() == v1::STATUS_EXERCISE;
    if (draft.status() == v1::STATUS_UNSPECIFIED) {
        found.error("missing", "status", "Say whether this is actual, an exercise or a test.");
    } else if (world == "exercise" && !exercise) {
        found.error("status_world", "status", "In the exercise world the status must be exercise.");
    } else if (world != "exercise" && exercise) {
        found.error("status_world", "status", "Exercises exist only in the exercise world.");
    }
}

void check_codes(const Draft& draft, Findings& found) {
    const auto need = [&](bool set, std::string field) {
        if (!set) found.error("missing", field, fmt::format("Choose the {}.", field));
    };
    need(draft.category() != v1::CATEGORY_UNSPECIFIED, "category");
    need(draft.urgency() != v1::URGENCY_UNSPECIFIED, "urgency");
    need(draft.severity() != v1::SEVERITY_UNSPECIFIED, "severity");
    need(draft.certainty() != v1::CERTAINTY_UNSPECIFIED, "certainty");
    if (draft.agencies().empty())
        found.error("missing", "agencies", "Choose at least one agency that publishes it.");
}

// Years 1970 to 9999: beyond that, counting in microseconds would overflow.
bool is_sane(const google::protobuf::Timestamp& time) {
    return time.seconds() >= 0 && time.seconds() <= 253'402'300'799 && time.nanos() >= 0 &&
           time.nanos() <= 999'999'999;
}

void check_expiry(const Draft& draft, Time now, Findings& found) {
    const Time expires = runtime::from_proto(draft.expires());
    const Time release = draft.has_release_at() ? runtime::from_proto(draft.release_at()) : now;
    if (expires <= now)
        found.error("expires_past", "expires", "Set an expiry that is still to come.");
    if (draft.has_onset() && expires <= runtime::from_proto(draft.onset()))
        found.error("expires_before_onset", "expires", "Set an expiry after the onset.");
    const auto lasts = expires - std::max(now, release);
    if (lasts > expiry_max)
        found.error("expires_far", "expires", "Set an expiry within 7 days of the release.");
    else if (lasts > expiry_usual)
        found.warning("expires_late", "expires",
                      "The message stays in force for more than 24 hours: make sure that it must.");
    if (!draft.has_release_at()) return;
    if (release >= expires)
        found.error("release_after_expiry", "release_at", "Release it before it expires.");
    if (release > now + release_ahead_max)
        found.error("release_far", "release_at", "Release it within 30 days.");
    if (release <= now)
        found.warning("release_past", "release_at",
                      "The time of release has passed: it will go out as soon as it is cleared.");
}

void check_times(const Draft& draft, Time now, Findings& found) {
    bool sane = true;
    const auto look = [&](bool set, const google::protobuf::Timestamp& time, const char* field) {
        if (!set || is_sane(time)) return;
        sane = false;
        found.error("time_invalid", field, "Enter a date that exists, from 1970 to 9999.");
    };
    look(draft.has_onset(), draft.onset(), "onset");
    look(draft.has_expires(), draft.expires(), "expires");
    look(draft.has_release_at(), draft.release_at(), "release_at");
    if (!draft.has_expires())
        found.error("missing", "expires", "Say when the message expires.");
    else if (sane)
        check_expiry(draft, now, found);
}

void check_web(const Draft& draft, Findings& found) {
    if (draft.web().empty()) return;
    if (draft.web().starts_with("http://"))
        found.warning("web_insecure", "web", "Use an https address: others can be tampered with.");
    else if (!draft.web().starts_with("https://"))
        found.error("web_invalid", "web", "Enter an address that starts with https://.");
}

// The content as long as it can get around `draft`.
Content around(const Draft& draft, std::string_view world) {
    Content content;
    content.set_message_id(std::string(64, 'm'));
    content.set_revision(1'000'000);
    content.set_realm(std::string(64, 'r'));
    content.set_incident_id(std::string(64, 'i'));
    content.set_world(std::string{world});
    content.set_message_type(v1::MESSAGE_TYPE_UPDATE);
    *content.mutable_draft() = draft;
    return content;
}

// Which part of it to look at first when all of it is too much.
std::string largest_field(const Draft& draft) {
    const auto bytes = [](const auto& items) {
        std::size_t all = 0;
        for (const auto& item : items) all += item.ByteSizeLong();
        return all;
    };
    const std::pair<std::size_t, const char*> fields[] = {{bytes(draft.areas()), "areas"},
                                                          {bytes(draft.texts()), "texts"},
                                                          {bytes(draft.retraction()), "retraction"},
                                                          {bytes(draft.evidence()), "evidence"}};
    return std::ranges::max_element(fields)->second;
}

// False: it is not worth looking at what it would become.
bool check_size(const Draft& draft, Findings& found) {
    if (draft.ByteSizeLong() <= draft_bytes_max) return true;
    found.error("too_large", largest_field(draft),
                fmt::format("The draft has {} bytes, of which {} can be submitted: make the areas "
                            "simpler or the texts shorter.",
                            draft.ByteSizeLong(), draft_bytes_max));
    return false;
}

void check_channels(const Draft& draft, std::string_view world, const Fixed& fixed,
                    Findings& found) {
    const Content content = around(draft, world);
    const bool retraction = fixed.retraction();
    const Texts& texts = said(content, fixed);
    for (const ChannelKind& kind : all_kinds()) {
        for (const std::string& language : languages_of(kind.traits.parts, content)) {
            // That a language is missing altogether is found elsewhere.
            const int index = find_text(texts, language);
            if (!language.empty() && index < 0) continue;
            const auto rendition = kind.render(content, language, fixed, kind.limits);
            if (!rendition) {
                found.add(rendition.error());
            } else if (rendition->body().size() > worst_case_bytes_max) {
                found.error(
                    "too_large", largest_field(draft),
                    fmt::format("On `{}` it has {} bytes, of which {} can be sent: make the "
                                "areas simpler or the texts shorter.",
                                kind.kind, rendition->body().size(), worst_case_bytes_max));
            } else if (index >= 0 && kind.shortens &&
                       kind.shortens(content, language, fixed, kind.limits)) {
                const char* field = retraction ? "retraction" : "texts";
                found.warning(
                    "shortened", fmt::format("{}[{}].instruction", field, index),
                    fmt::format("On `{}` the {} instruction is cut: write a text for that channel.",
                                kind.kind, language));
            }
        }
    }
}

}  // namespace

Fixed worst_case_fixed(bool retraction) {
    Fixed fixed;
    fixed.set_release_id(std::string(64, 'r'));
    fixed.set_identifier(std::string(160, 'i'));
    fixed.set_sender(std::string(200, 's'));
    fixed.set_sent("2026-01-01T00:00:00-00:00");
    for (const std::string_view language : required_languages)
        (*fixed.mutable_sender_names())[std::string{language}] = std::string(200, 'n');
    for (char other = 'a'; fixed.sender_names_size() < languages_max; ++other)
        (*fixed.mutable_sender_names())[fmt::format("{0}{0}-AA", other)] = std::string(200, 'n');
    fixed.set_permalink("https://alerts.example.com/" + std::string(240, 'p'));
    fixed.set_agency(std::string(64, 'a'));
    fixed.set_retraction(retraction);
    if (!retraction) return fixed;
    fixed.mutable_retracts()->set_sender(fixed.sender());
    fixed.mutable_retracts()->set_identifier(fixed.identifier());
    fixed.mutable_retracts()->set_sent(fixed.sent());
    return fixed;
}

std::vector<Finding> check(const Draft& draft, Time now, std::string_view world) {
    Findings found;
    check_words(draft.title(), "title", found);
    check_world(draft, world, found);
    check_codes(draft, found);
    check_times(draft, now, found);
    check_areas(draft, found);
    check_event_codes(draft, found);
    check_texts(draft.texts(), {required_languages.begin(), required_languages.end()}, "texts",
                found);
    if (draft.retraction().empty())
        found.warning("no_retraction", "retraction",
                      "Write the retraction now, for the case that this turns out wrong: without "
                      "one, what is out cannot be taken back.");
    else
        check_texts(draft.retraction(), needed_languages(draft), "retraction", found);
    check_web(draft, found);
    check_characters(draft, found);
    if (!check_size(draft, found)) return std::move(found).take();
    for (const bool retraction : {false, true}) {
        if (retraction && draft.retraction().empty()) continue;
        Fixed fixed = worst_case_fixed(retraction);
        // Each agency's alert names those of the others.
        for (int other = 1; other < draft.agencies_size() && !retraction; ++other)
            *fixed.add_joint() = worst_case_fixed(true).retracts();
        check_channels(draft, world, fixed, found);
        // Where no feed has it, its own page is linked to, which may count for more.
        if (draft.web().empty() || found.has_error()) continue;
        fixed.set_permalink(draft.web());
        Findings with_web;
        check_channels(draft, world, fixed, with_web);
        for (Finding& finding : std::move(with_web).take())
            if (finding.level == Finding::Level::error) found.add(std::move(finding));
    }
    return std::move(found).take();
}

}  // namespace tocsin::content
