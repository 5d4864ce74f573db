// The whole message of tests: realistic and bilingual, with what differs between them as
// parameters; and the values fixed for its release.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "content/publishers.hpp"
#include "runtime/base/time.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::content::samples {

// 2026-06-20 18:00 in UTC, noon in Calgary: the moment at which the sample is written.
inline constexpr runtime::Time now{std::chrono::sys_days{std::chrono::year{2026} / 6 / 20} +
                                   std::chrono::hours{18}};

inline Text make_text(std::string language, std::string event, std::string headline,
                      std::string description, std::string instruction) {
    Text text;
    text.set_language(std::move(language));
    text.set_event(std::move(event));
    text.set_headline(std::move(headline));
    text.set_description(std::move(description));
    text.set_instruction(std::move(instruction));
    return text;
}

inline Area make_area() {
    Area area;
    (*area.mutable_descriptions())["fr-CA"] = "Calgary, le long de la rivière Bow";
    (*area.mutable_descriptions())["en-CA"] = "Calgary, along the Bow River";
    area.add_polygons("51.06,-114.22 51.10,-114.22 51.07,-113.98 51.02,-113.98 51.06,-114.22");
    v1::Geocode* code = area.add_geocodes();
    code->set_value_name("profile:CAP-CP:Location:0.3");
    code->set_value("4806016");
    return area;
}

inline Evidence make_evidence() {
    Evidence evidence;
    evidence.set_source_id("bow-river");
    evidence.set_series("05BH004:discharge");
    evidence.set_value(1083.5);
    evidence.set_unit("m3/s");
    *evidence.mutable_read_at() = runtime::to_proto(now - std::chrono::minutes{10});
    evidence.set_threshold(850);
    return evidence;
}

// A draft without any finding at `now` in the live world.
inline Draft make_draft() {
    Draft draft;
    draft.set_title("Bow River above the flood threshold");
    draft.set_status(v1::STATUS_ACTUAL);
    draft.set_category(v1::CATEGORY_MET);
    draft.set_urgency(v1::URGENCY_IMMEDIATE);
    draft.set_severity(v1::SEVERITY_SEVERE);
    draft.set_certainty(v1::CERTAINTY_OBSERVED);
    *draft.mutable_onset() = runtime::to_proto(now + std::chrono::hours{1});
    *draft.mutable_expires() = runtime::to_proto(now + std::chrono::hours{12});
    *draft.add_areas() = make_area();
    draft.add_agencies("calgary");
    draft.add_agencies("alberta");
    *draft.add_texts() = make_text(
        "fr-CA", "inondation", "Inondation à Calgary : quittez les berges de la rivière Bow",
        "Le débit de la rivière Bow atteint 1 083 m³/s et monte encore. Les berges et les sentiers "
        "seront inondés dès 13 h, heure des Rocheuses, le 20 juin 2026.",
        "Quittez les berges maintenant. Montez vers un terrain plus haut. Ne traversez pas l'eau à "
        "pied ni en voiture.");
    *draft.add_texts() = make_text(
        "en-CA", "flood", "Flooding in Calgary: leave the banks of the Bow River",
        "The flow of the Bow River has reached 1,083 m³/s and is still rising. Banks and pathways "
        "will flood from 1 p.m. mountain time on June 20, 2026.",
        "Leave the banks now. Go to higher ground. Do not walk or drive through water.");
    *draft.add_retraction() =
        make_text("fr-CA", "inondation", "Annulée : l'alerte d'inondation à Calgary était erronée",
                  "L'alerte d'inondation de la rivière Bow a été publiée par erreur.",
                  "Aucune mesure n'est nécessaire.");
    *draft.add_retraction() =
        make_text("en-CA", "flood", "Cancelled: the flood alert for Calgary was wrong",
                  "The flood alert for the Bow River was published by mistake.",
                  "You do not need to do anything.");
    draft.set_web("https://www.calgary.ca/flood");
    v1::EventCode& code = *draft.add_event_codes();
    code.set_value_name("profile:CAP-CP:Event:0.4");
    code.set_value("flashFlood");
    *draft.add_evidence() = make_evidence();
    return draft;
}

// What differs between the messages of tests. The flood begins 11 hours before the alert expires.
struct Variation {
    std::string message_id = "msg-bow-river-flood";
    std::string realm = "alberta";
    std::vector<std::string> agencies{"calgary", "alberta"};
    std::vector<std::string> languages{"fr-CA", "en-CA"};  // of these two
    runtime::Time expires = now + std::chrono::hours{12};
};

// The same draft made for release: revision 1, first information, live world.
inline Content make_content(const Variation& varied = {}) {
    Content content;
    content.set_message_id(varied.message_id);
    content.set_revision(1);
    content.set_realm(varied.realm);
    content.set_incident_id("inc-bow-river-2026");
    content.set_world("live");
    content.set_message_type(v1::MESSAGE_TYPE_ALERT);
    Draft& draft = *content.mutable_draft();
    draft = make_draft();
    draft.mutable_agencies()->Assign(varied.agencies.begin(), varied.agencies.end());
    *draft.mutable_onset() = runtime::to_proto(varied.expires - std::chrono::hours{11});
    *draft.mutable_expires() = runtime::to_proto(varied.expires);
    for (auto* texts : {draft.mutable_texts(), draft.mutable_retraction()})
        texts->erase(std::remove_if(texts->begin(), texts->end(),
                                    [&](const Text& text) {
                                        return std::ranges::find(varied.languages,
                                                                 text.language()) ==
                                               varied.languages.end();
                                    }),
                     texts->end());
    return content;
}

// The agency as the public knows it, and without a channel.
inline Publisher make_publisher(const std::string& agency_id) {
    Publisher publisher;
    publisher.set_agency_id(agency_id);
    publisher.set_cap_sender(agency_id + "@example.org");
    (*publisher.mutable_names())["en-CA"] = "The " + agency_id;
    (*publisher.mutable_names())["fr-CA"] = "La " + agency_id;
    return publisher;
}

inline Fixed make_fixed() {
    Fixed fixed;
    fixed.set_release_id("rel-1");
    fixed.set_identifier("urn:oid:2.49.0.1.124.1234567890.2026");
    fixed.set_sender("alerts@calgary.example.com");
    fixed.set_sent("2026-06-20T12:05:00-06:00");
    *fixed.mutable_fire_at() = runtime::to_proto(now + std::chrono::minutes{5});
    (*fixed.mutable_sender_names())["en-CA"] = "City of Calgary";
    (*fixed.mutable_sender_names())["fr-CA"] = "Ville de Calgary";
    fixed.set_permalink("https://alerts.example.com/a/rel-1");
    fixed.set_agency("calgary");
    return fixed;
}

// Fixed values of the retraction of what `make_fixed` released.
inline Fixed make_retraction() {
    const Fixed first = make_fixed();
    Fixed fixed = first;
    fixed.set_release_id("rel-2");
    fixed.set_identifier("urn:oid:2.49.0.1.124.1234567891.2026");
    fixed.set_sent("2026-06-20T12:31:07-06:00");
    fixed.set_permalink("https://alerts.example.com/a/rel-2");
    fixed.set_retraction(true);
    fixed.mutable_retracts()->set_sender(first.sender());
    fixed.mutable_retracts()->set_identifier(first.identifier());
    fixed.mutable_retracts()->set_sent(first.sent());
    return fixed;
}

// The first finding with `code`; null for none.
inline const Finding* find_code(std::span<const Finding> findings, std::string_view code) {
    const auto found = std::ranges::find(findings, code, &Finding::code);
    return found == findings.end() ? nullptr : &*found;
}

}  // namespace tocsin::content::samples
