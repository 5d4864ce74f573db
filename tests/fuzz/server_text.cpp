// What servers say, as it is recorded and shown: valid, within its bytes, and no more changed than
// that takes.
#include "content/graphemes.hpp"
#include "publishing/limits.hpp"

#include "fuzz/invariant.hpp"
#include "texts/utf8.hpp"

#include <string>

namespace tocsin::fuzz {
namespace {

constexpr std::string_view line_marks = "\t\r\n";

void cleaned(std::string_view text) {
    const std::string clean = content::printable(text);
    must(texts::is_utf8(clean), "a cleaned text is UTF-8");
    must(content::is_printable(clean, line_marks), "a cleaned text can be shown");
    must(content::printable(clean) == clean, "a clean text stays as it is");
    must(!content::is_printable(text, line_marks) || clean == text, "a good text is not changed");
    must(clean.size() <= 3 * text.size(), "a byte becomes one character at most");
}

void reported(std::string_view text) {
    const std::string reason = publishing::reportable(text);
    must(reason.size() <= publishing::reason_bytes_max, "a reason is within its bytes");
    must(texts::is_utf8(reason), "a reason is cut between characters");
    must(content::is_printable(reason, line_marks), "a reason can be shown");
    must(reason.empty() == text.empty(), "a reason is not lost");
}

void cut(std::string_view text, std::size_t max) {
    const std::string clean = content::printable(text);
    const std::string part = publishing::shortened(clean, max);
    must(part.size() <= max && texts::is_utf8(part), "a text is cut between characters");
    if (clean.size() <= max) return must(part == clean, "a short text is whole");
    constexpr std::string_view ellipsis = "…";
    must(part.ends_with(ellipsis), "a cut shows");
    const std::string_view kept = std::string_view(part).substr(0, part.size() - ellipsis.size());
    must(clean.starts_with(kept), "what is kept is the beginning");
    must(kept.size() + ellipsis.size() + 3 >= max, "no more is cut than must be");
}

// As an account of many deliveries.
void accounted(std::string_view text) {
    publishing::Account account;
    const std::string clean = content::printable(text);
    for (int i = 0; i < 25; ++i) account.add(clean);
    const std::string all = account.text();
    must(texts::is_utf8(all), "an account is UTF-8");
    must(all.size() <= 30 * (publishing::reason_bytes_max + 200), "an account is bounded");
}

}  // namespace
}  // namespace tocsin::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin;
    if (size == 0) return 0;
    const std::string_view text = fuzz::text_of(data + 1, size - 1);
    fuzz::cleaned(text);
    fuzz::reported(text);
    // Longer than one input gets by itself.
    std::string longer;
    while (!text.empty() && longer.size() < 600) longer += text;
    fuzz::reported(longer);
    fuzz::cut(longer, 8 + data[0] % 64U);
    fuzz::accounted(longer);
    return 0;
}
