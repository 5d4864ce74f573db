// `webhook`: a Standard Webhooks body for other systems, every language in one.
#include "content/cap.hpp"
#include "content/channel.hpp"
#include "content/texts.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>

namespace tocsin::content {
namespace {

// Keeps the order in which keys are added: the same content gives the same bytes.
using Json = nlohmann::ordered_json;

int64_t count(std::string_view text) { return std::ssize(text); }

Json texts_json(const Content& content, const Texts& texts) {
    Json all = Json::array();
    for (const Text& text : texts)
        all.push_back({{"language", text.language()},
                       {"event", text.event()},
                       {"headline", marked(content, text.headline())},
                       {"description", marked(content, text.description())},
                       {"instruction", text.instruction()}});
    return all;
}

Json area_json(const Area& area, const Texts& texts, bool with_polygons) {
    Json descriptions = Json::object();
    for (const Text& text : texts)
        descriptions[text.language()] = area_description(area, text.language());
    Json json{{"descriptions", std::move(descriptions)}};
    if (with_polygons) {
        json["polygons"] = std::vector(area.polygons().begin(), area.polygons().end());
    } else if (!area.polygons().empty()) {
        json["polygons_left_out"] = true;
    }
    json["circles"] = std::vector(area.circles().begin(), area.circles().end());
    json["geocodes"] = Json::array();
    for (const v1::Geocode& code : area.geocodes())
        json["geocodes"].push_back({{"value_name", code.value_name()}, {"value", code.value()}});
    return json;
}

// In the order of the tags: the map itself has none, and the same input must give the same bytes.
Json sender_names(const Fixed& fixed) {
    const std::map<std::string, std::string> sorted(fixed.sender_names().begin(),
                                                    fixed.sender_names().end());
    Json names = Json::object();
    for (const auto& [language, name] : sorted) names[language] = name;
    return names;
}

std::string body(const Content& content, const Fixed& fixed, bool with_polygons) {
    const Draft& draft = content.draft();
    const Texts& texts = said(content, fixed);
    Json data{{"identifier", fixed.identifier()},
              {"message_id", content.message_id()},
              {"revision", content.revision()},
              {"digest", digest(serialise(content))},
              {"world", content.world()},
              {"agency", fixed.agency()},
              {"sender_names", sender_names(fixed)},
              {"status", cap_status(content)},
              {"severity", cap_word(draft.severity())},
              {"urgency", cap_word(draft.urgency())},
              {"certainty", cap_word(draft.certainty())},
              {"expires", expiry(content, fixed)},
              {"permalink", fixed.permalink()},
              {"texts", texts_json(content, texts)}};
    data["areas"] = Json::array();
    // A retraction without words still says where: the message itself named the languages.
    for (const Area& area : draft.areas())
        data["areas"].push_back(area_json(area, draft.texts(), with_polygons));
    if (fixed.has_retracts()) data["retracts"] = fixed.retracts().identifier();
    const Json whole{
        {"type", fixed.retraction() ? "tocsin.message.retracted" : "tocsin.message.released"},
        {"timestamp", fixed.sent()},
        {"data", std::move(data)}};
    // Bytes that are not UTF-8 must not stop an alert at the last moment.
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::expected<Rendition, Finding> render(const Content& content, std::string_view,
                                         const Fixed& fixed, const Limits& limits) {
    const auto fits = [&](const std::string& text) {
        return limits.text_max == 0 || count(text) <= limits.text_max;
    };
    std::string text = body(content, fixed, true);
    // A detailed shape alone can pass the limit; the CAP file behind the permalink has it too.
    if (!fits(text)) text = body(content, fixed, false);
    if (!fits(text))
        return std::unexpected{Finding{
            Finding::Level::error, "too_long", fixed.retraction() ? "retraction" : "texts",
            fmt::format("The webhook body is {} bytes too long ({} of {}): shorten the texts.",
                        count(text) - limits.text_max, count(text), limits.text_max)}};
    Rendition rendition;
    rendition.set_length(count(text));
    rendition.set_length_max(limits.text_max);
    rendition.set_body(std::move(text));
    rendition.set_media_type("application/json");
    return rendition;
}

}  // namespace

const ChannelKind& webhook_kind() {
    static const ChannelKind kind{
        .kind = "webhook",
        .traits = {.repeats = Repeats::exact,
                   .can_be_queried = false,
                   .public_from_claim = false,
                   .one_per_agency = false,
                   .corrections_reply = false,
                   .parts = Parts::one,
                   .transport = Transport::http,
                   .address = Address::url,
                   .credential = CredentialForm::signing_keys},
        // Standard Webhooks asks for less than 20 kB.
        .limits = {.text_max = 19'999, .unit = "bytes"},
        .count = count,
        .render = render,
    };
    return kind;
}

}  // namespace tocsin::content
