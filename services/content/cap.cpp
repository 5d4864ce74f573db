#include "content/cap.hpp"

#include "content/canada.hpp"
#include "content/texts.hpp"
#include "content/xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace tocsin::content {
namespace {

// The word at `value`, and the last word (`Unknown`, `Other`) for what this version does not know.
template <size_t size>
std::string_view word(const std::array<std::string_view, size>& words, int value) {
    const bool known = value > 0 && static_cast<size_t>(value) <= size;
    return known ? words[static_cast<size_t>(value) - 1] : words[size - 1];
}

// An EventCode or a Geocode.
template <class Code>
void write_code(XmlWriter& xml, const char* element, const Code& code) {
    xml.open(element);
    xml.leaf("valueName", code.value_name());
    xml.leaf("value", code.value());
    xml.close();
}

void write_area(XmlWriter& xml, const Area& area, std::string_view language) {
    xml.open("area");
    xml.leaf("areaDesc", area_description(area, language));
    for (const std::string& polygon : area.polygons()) xml.leaf("polygon", polygon);
    for (const std::string& circle : area.circles()) xml.leaf("circle", circle);
    for (const v1::Geocode& geocode : area.geocodes()) write_code(xml, "geocode", geocode);
    xml.close();
}

// CAP has no element for it; this is named as the layers of CAP-CP name theirs.
void write_joint(XmlWriter& xml, const Fixed& fixed) {
    for (const Reference& other : fixed.joint()) {
        xml.open("parameter");
        xml.leaf("valueName", "layer:Tocsin:1.0:Joint_Alert");
        xml.leaf("value", cap_reference(other));
        xml.close();
    }
}

// Every language carries the same coded values verbatim; only the words differ.
void write_info(XmlWriter& xml, const Content& content, const Text& text, const Fixed& fixed) {
    const Draft& draft = content.draft();
    xml.open("info");
    xml.leaf("language", text.language());
    xml.leaf("category", cap_word(draft.category()));
    xml.leaf("event", text.event());
    xml.leaf("urgency", cap_word(draft.urgency()));
    xml.leaf("severity", cap_word(draft.severity()));
    xml.leaf("certainty", cap_word(draft.certainty()));
    for (const v1::EventCode& code : draft.event_codes()) write_code(xml, "eventCode", code);
    xml.leaf("effective", fixed.sent());
    if (draft.has_onset()) xml.leaf("onset", cap_time(draft.onset()));
    xml.leaf_unless_empty("expires", expiry(content, fixed));
    xml.leaf_unless_empty("senderName", sender_name(fixed, text.language()));
    xml.leaf_unless_empty("headline", marked(content, text.headline()));
    xml.leaf_unless_empty("description", marked(content, text.description()));
    xml.leaf_unless_empty("instruction", text.instruction());
    xml.leaf_unless_empty("web", draft.web().empty() ? fixed.permalink() : draft.web());
    write_joint(xml, fixed);
    for (const Area& area : draft.areas()) write_area(xml, area, text.language());
    xml.close();
}

// Blanks separate incidents, so a name with blanks is quoted.
std::string incidents(const Content& content) {
    const std::string& incident = content.incident_id();
    return incident.contains(' ') ? fmt::format("\"{}\"", incident) : incident;
}

}  // namespace

std::size_t cap_bytes_least(const Content& content, const Fixed& fixed) {
    constexpr std::size_t tags = std::string_view("<circle></circle>").size();
    constexpr std::size_t code_tags =
        std::string_view("<geocode><valueName></valueName><value></value></geocode>").size();
    std::size_t bytes = 0;
    for (const Area& area : content.draft().areas()) {
        for (const std::string& polygon : area.polygons()) bytes += tags + polygon.size();
        for (const std::string& circle : area.circles()) bytes += tags + circle.size();
        for (const v1::Geocode& code : area.geocodes())
            bytes += code_tags + code.value_name().size() + code.value().size();
    }
    return bytes * static_cast<std::size_t>(said(content, fixed).size());
}

std::string cap_xml(const Content& content, const Fixed& fixed) {
    XmlWriter xml{false};
    xml.open("alert");
    xml.attribute("xmlns", "urn:oasis:names:tc:emergency:cap:1.2");
    xml.leaf("identifier", fixed.identifier());
    xml.leaf("sender", fixed.sender());
    xml.leaf("sent", fixed.sent());
    xml.leaf("status", cap_status(content));
    xml.leaf("msgType", cap_message_type(content, fixed));
    xml.leaf("scope", "Public");
    if (follows_canadian_profile(content, fixed)) xml.leaf("code", canadian_profile);
    xml.leaf_unless_empty("note", marking(content));
    xml.leaf_unless_empty("references", cap_references(content, fixed));
    xml.leaf_unless_empty("incidents", incidents(content));
    for (const Text& text : said(content, fixed)) write_info(xml, content, text, fixed);
    xml.close();
    return xml.finish();
}

std::string signed_cap(std::string_view alert, std::string_view signature) {
    std::string whole{alert};
    const std::size_t end = whole.rfind("</alert>");
    return end == std::string::npos ? whole : whole.insert(end, signature);
}

bool is_signature(std::string_view element) {
    constexpr std::size_t bytes_max = 65'536;
    return element.size() <= bytes_max &&
           element.starts_with("<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\">") &&
           element.find("</Signature>") == element.size() - std::string_view("</Signature>").size();
}

std::string cap_time(const google::protobuf::Timestamp& time) {
    using namespace std::chrono;
    const sys_seconds instant{seconds{time.seconds()}};
    const auto day = floor<days>(instant);
    const year_month_day date{day};
    const hh_mm_ss clock{instant - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}-00:00", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

bool is_cap_time(std::string_view time) {
    // The schema's own pattern lets a comma through as the sign of the offset.
    constexpr std::string_view shape = "0000-00-00T00:00:00+00:00";
    if (time.size() != shape.size()) return false;
    for (size_t i = 0; i < shape.size(); ++i) {
        const char c = time[i];
        if (shape[i] == '0' && (c < '0' || c > '9')) return false;
        if (shape[i] == '+' && c != '+' && c != '-') return false;
        if (shape[i] != '0' && shape[i] != '+' && c != shape[i]) return false;
    }
    return true;
}

bool is_cap_name(std::string_view name) {
    return !name.empty() && std::ranges::none_of(name, [](char c) {
        const bool blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
        return blank || c == ',' || c == '<' || c == '&';
    });
}

std::string cap_reference(const Reference& reference) {
    return fmt::format("{},{},{}", reference.sender(), reference.identifier(), reference.sent());
}

std::string cap_message_type(const Content& content, const Fixed& fixed) {
    return std::string{fixed.retraction() ? "Cancel" : cap_word(content.message_type())};
}

std::string cap_references(const Content& content, const Fixed& fixed) {
    if (fixed.retraction())
        return fixed.has_retracts() ? cap_reference(fixed.retracts()) : std::string{};
    std::string all;
    for (const Reference& reference : content.references())
        all += (all.empty() ? "" : " ") + cap_reference(reference);
    return all;
}

std::string_view cap_status(const Content& content) {
    if (content.world() == "exercise") return "Exercise";
    static constexpr std::array<std::string_view, 4> words{"Actual", "Exercise", "Test", "Draft"};
    return word(words, content.draft().status());
}

std::string_view cap_word(v1::MessageType type) {
    // Alert, the last, also for what nobody set: it claims nothing about earlier messages.
    static constexpr std::array<std::string_view, 4> words{"Alert", "Update", "Cancel", "Alert"};
    return word(words, type);
}

std::string_view cap_word(v1::Category category) {
    static constexpr std::array<std::string_view, 12> words{
        "Geo",    "Met", "Safety",    "Security", "Rescue", "Fire",
        "Health", "Env", "Transport", "Infra",    "CBRNE",  "Other"};
    return word(words, category);
}

std::string_view cap_word(v1::Urgency urgency) {
    static constexpr std::array<std::string_view, 5> words{"Immediate", "Expected", "Future",
                                                           "Past", "Unknown"};
    return word(words, urgency);
}

std::string_view cap_word(v1::Severity severity) {
    static constexpr std::array<std::string_view, 5> words{"Extreme", "Severe", "Moderate", "Minor",
                                                           "Unknown"};
    return word(words, severity);
}

std::string_view cap_word(v1::Certainty certainty) {
    static constexpr std::array<std::string_view, 5> words{"Observed", "Likely", "Possible",
                                                           "Unlikely", "Unknown"};
    return word(words, certainty);
}

}  // namespace tocsin::content
