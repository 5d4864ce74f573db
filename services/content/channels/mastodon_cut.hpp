// Where a text is cut that is too long for one post.
#pragma once

#include "content/channel.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

// Whether a post of these words may be sent.
bool fits_post(const std::string& words, const Limits& limits);

// The parts that are not empty, with an empty line between two of them.
std::string join_parts(const std::vector<std::string_view>& parts);

// A beginning of a text, without the blanks behind it.
struct Beginning {
    std::string_view text{};  // empty for none
    bool sentences = false;   // it ends where a sentence does, else behind a word
};

// The longest beginning of `text`, less than the whole, that `fits`; whole sentences unless they
// are less than half of what could be said.
Beginning cut_text(std::string_view text, std::string_view language,
                   const std::function<bool(const Beginning&)>& fits);

// What a thread is made of.
struct ThreadWords {
    std::string_view marking;
    std::string_view heading;        // of the first post
    std::string_view heading_later;  // of the others, so that each can be read alone
    std::string_view text;
    std::string_view permalink;  // in the first one
    std::string_view language;
};

inline constexpr int thread_posts_max = 5;

// The posts, numbered and in order; empty where it takes more of them than there may be, or none of
// the text fits.
std::vector<std::string> make_thread(const ThreadWords& words, const Limits& limits);

}  // namespace tocsin::content
