#include "content/texts.hpp"

#include "content/cap.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::content {

const Texts& said(const Content& content, const Fixed& fixed) {
    return fixed.retraction() ? content.draft().retraction() : content.draft().texts();
}

std::string expiry(const Content& content, const Fixed& fixed) {
    if (fixed.has_expires()) return cap_time(fixed.expires());
    return content.draft().has_expires() ? cap_time(content.draft().expires()) : std::string{};
}

int find_text(const Texts& texts, std::string_view language) {
    for (int i = 0; i < texts.size(); ++i)
        if (texts[i].language() == language) return i;
    return -1;
}

int find_channel_text(const Text& text, std::string_view kind) {
    for (int i = 0; i < text.channel_texts_size(); ++i)
        if (text.channel_texts(i).kind() == kind) return i;
    return -1;
}

std::string_view primary_language(std::string_view language) {
    return language.substr(0, language.find('-'));
}

std::string_view marking(const Content& content) {
    if (content.world() == "exercise" || content.draft().status() == v1::STATUS_EXERCISE)
        return "EXERCICE – EXERCISE";
    if (content.draft().status() == v1::STATUS_TEST) return "TEST";
    return "";
}

std::string marked(const Content& content, const std::string& text) {
    const std::string_view mark = marking(content);
    return mark.empty() || text.empty() ? text : fmt::format("{}: {}", mark, text);
}

// A name in another language is better than none. Smallest tag first: the map itself has no order,
// and the same input must give the same bytes.
static std::string in_language(const google::protobuf::Map<std::string, std::string>& names,
                               std::string_view language) {
    const auto exact = names.find(std::string{language});
    if (exact != names.end()) return exact->second;
    const auto least =
        std::ranges::min_element(names, {}, [](const auto& entry) { return entry.first; });
    return least == names.end() ? std::string{} : least->second;
}

std::string sender_name(const Fixed& fixed, std::string_view language) {
    return in_language(fixed.sender_names(), language);
}

std::string area_description(const Area& area, std::string_view language) {
    return in_language(area.descriptions(), language);
}

}  // namespace tocsin::content
