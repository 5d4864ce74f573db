#include "publishing/limits.hpp"

#include "content/graphemes.hpp"
#include "texts/cut.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

std::string shortened(std::string_view text, std::size_t max) {
    if (text.size() <= max) return std::string{text};
    constexpr std::string_view ellipsis = "…";
    return std::string{texts::cut(text, max - ellipsis.size())}.append(ellipsis);
}

std::string reportable(std::string_view reason) {
    return shortened(content::printable(reason), reason_bytes_max);
}

void Account::add(std::string_view words) {
    if (++count_ > named_max) return;
    if (!all_.empty()) all_ += ' ';
    all_ += shortened(words, reason_bytes_max + 200);
}

std::string Account::text() const {
    if (count_ <= named_max) return all_;
    return fmt::format("{} And {} more.", all_, count_ - named_max);
}

}  // namespace tocsin::publishing
