#include "gateway/strict_json.hpp"

#include "texts/utf8.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <set>

namespace tocsin::gateway {

namespace {

// Recursive descent; the depth limit bounds the recursion. Each method returns false once `fault`
// is set.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<JsonFault> run() {
        blanks();
        if (at_end()) return JsonFault{at_, "the body is empty; a JSON object is expected"};
        if (text_[at_] != '{') return JsonFault{at_, "a JSON object is expected"};
        if (!value(1)) return fault_;
        blanks();
        if (!at_end()) return JsonFault{at_, "there is something after the JSON document"};
        return std::nullopt;
    }

private:
    bool at_end() const { return at_ >= text_.size(); }
    bool next_is(char wanted) const { return !at_end() && text_[at_] == wanted; }
    bool digit() const { return !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; }
    void blanks() {
        while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' ||
                             text_[at_] == '\r'))
            ++at_;
    }
    bool fail(std::string what) {
        fault_ = JsonFault{at_, std::move(what)};
        return false;
    }

    bool value(int depth) {
        if (depth > json_depth_max)
            return fail(fmt::format("nested deeper than {} levels", json_depth_max));
        if (++values_ > json_values_max)
            return fail(fmt::format("more than {} values", json_values_max));
        if (at_end()) return fail("the document ends in the middle");
        switch (text_[at_]) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"': {
                std::string unused;
                return string(unused);
            }
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }

    bool word(std::string_view wanted) {
        if (text_.substr(at_, wanted.size()) != wanted) return fail("not a JSON value");
        at_ += wanted.size();
        return true;
    }

    bool object(int depth) {
        ++at_;
        std::set<std::string> keys;
        blanks();
        if (next_is('}')) {
            ++at_;
            return true;
        }
        while (true) {
            blanks();
            if (!next_is('"')) return fail("a key in double quotes is expected");
            const std::size_t begin = at_;
            std::string key;
            if (!string(key)) return false;
            if (const auto [seen, fresh] = keys.insert(std::move(key)); !fresh) {
                at_ = begin;
                return fail(fmt::format("duplicate key `{}`", *seen));
            }
            blanks();
            if (!next_is(':')) return fail("':' is expected after a key");
            ++at_;
            blanks();
            if (!value(depth + 1)) return false;
            blanks();
            if (next_is('}')) break;
            if (!next_is(',')) return fail("',' or '}' is expected");
            ++at_;
        }
        ++at_;
        return true;
    }

    bool array(int depth) {
        ++at_;
        blanks();
        if (next_is(']')) {
            ++at_;
            return true;
        }
        while (true) {
            blanks();
            if (!value(depth + 1)) return false;
            blanks();
            if (next_is(']')) break;
            if (!next_is(',')) return fail("',' or ']' is expected");
            ++at_;
        }
        ++at_;
        return true;
    }

    bool string(std::string& decoded) {
        ++at_;
        while (true) {
            if (at_end()) return fail("a string does not end");
            const char here = text_[at_];
            if (here == '"') break;
            if (static_cast<unsigned char>(here) < 0x20)
                return fail("a control character in a string must be escaped");
            if (here == '\\') {
                if (!escape(decoded)) return false;
                continue;
            }
            const std::size_t length = texts::utf8_length(text_.substr(at_));
            if (length == 0) return fail("not valid UTF-8");
            decoded += text_.substr(at_, length);
            at_ += length;
        }
        ++at_;
        return true;
    }

    bool escape(std::string& decoded) {
        static constexpr std::string_view letters = "\"\\/bfnrt";
        static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        ++at_;
        if (at_end()) return fail("a string does not end");
        if (const auto index = letters.find(text_[at_]); index != std::string_view::npos) {
            decoded += meanings[index];
            ++at_;
            return true;
        }
        if (text_[at_] != 'u') return fail("no such escape");
        std::uint32_t point = 0;
        if (!four_digits(point)) return false;
        if (point >= 0xdc00 && point <= 0xdfff) return fail("half of a surrogate pair");
        if (point >= 0xd800 && point <= 0xdbff) {
            std::uint32_t low = 0;
            if (text_.substr(at_, 2) != "\\u") return fail("half of a surrogate pair");
            ++at_;
            if (!four_digits(low)) return false;
            if (low < 0xdc00 || low > 0xdfff) return fail("half of a surrogate pair");
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        }
        texts::append_utf8(decoded, point);
        return true;
    }

    // At the `u` of an escape.
    bool four_digits(std::uint32_t& point) {
        static constexpr std::string_view digits = "0123456789abcdef";
        ++at_;
        for (int count = 0; count < 4; ++count, ++at_) {
            if (at_end()) return fail("a string does not end");
            const char lower = static_cast<char>(text_[at_] | 0x20);
            const auto value =
                digits.find(text_[at_] >= 'A' && text_[at_] <= 'F' ? lower : text_[at_]);
            if (value == std::string_view::npos) return fail("\\u needs four hexadecimal digits");
            point = point * 16 + static_cast<std::uint32_t>(value);
        }
        return true;
    }

    bool number() {
        const std::size_t begin = at_;
        if (next_is('-')) ++at_;
        if (!digit()) {
            at_ = begin;
            return fail("not a JSON value");
        }
        if (next_is('0')) {
            ++at_;
            if (digit()) return fail("a number must not begin with 0");
        }
        while (digit()) ++at_;
        if (next_is('.')) {
            ++at_;
            if (!digit()) return fail("a digit is expected after '.'");
            while (digit()) ++at_;
        }
        if (next_is('e') || next_is('E')) {
            ++at_;
            if (next_is('+') || next_is('-')) ++at_;
            if (!digit()) return fail("a digit is expected in the exponent");
            while (digit()) ++at_;
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int values_ = 0;
    std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> json_fault(std::string_view text) { return Scanner(text).run(); }

}  // namespace tocsin::gateway
