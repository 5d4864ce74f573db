// The parts of `check` that look at words and places.
#pragma once

#include "content/content.hpp"
#include "content/finding.hpp"
#include "content/texts.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::content {

// Collects what is found, in order.
class Findings {
public:
    void error(std::string code, std::string field, std::string text) {
        add({Finding::Level::error, std::move(code), std::move(field), std::move(text)});
    }
    void warning(std::string code, std::string field, std::string text) {
        add({Finding::Level::warning, std::move(code), std::move(field), std::move(text)});
    }
    void add(Finding finding) { all_.push_back(std::move(finding)); }
    bool has_error() const {
        return std::ranges::find(all_, Finding::Level::error, &Finding::level) != all_.end();
    }
    std::vector<Finding> take() && { return std::move(all_); }

private:
    std::vector<Finding> all_;
};

// A text that must be there: it is not blank.
void check_words(std::string_view words, const std::string& field, Findings& found);

// Every text there is, whatever field it is in: no gap left, nothing invisible that breaks a
// channel.
void check_characters(const Draft& draft, Findings& found);

// What the message must speak, and what it does: everything about it is needed in each of these.
std::set<std::string> needed_languages(const Draft& draft);

// The texts of a message or of its retraction; `field` is which.
void check_texts(const Texts& texts, const std::set<std::string>& needed, const std::string& field,
                 Findings& found);

void check_areas(const Draft& draft, Findings& found);

// What happens, as programs know it.
void check_event_codes(const Draft& draft, Findings& found);

}  // namespace tocsin::content
