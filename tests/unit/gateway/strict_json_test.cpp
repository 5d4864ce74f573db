#include "gateway/strict_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::gateway {

static std::string nested(int depth) {
    std::string text = "{\"a\":";
    for (int level = 1; level < depth; ++level) text += '[';
    for (int level = 1; level < depth; ++level) text += ']';
    if (depth == 1) text += '1';
    return text + "}";
}

struct Case {
    std::string text;
    std::string fault;  // part of what is said; empty: the text is good
};

class StrictJson : public ::testing::TestWithParam<Case> {};

TEST_P(StrictJson, IsReadAsTheStandardSays) {
    const auto fault = json_fault(GetParam().text);
    if (GetParam().fault.empty())
        EXPECT_FALSE(fault) << GetParam().text << ": " << fault->what;
    else
        EXPECT_TRUE(fault && fault->what.find(GetParam().fault) != std::string::npos)
            << GetParam().text << ": " << (fault ? fault->what : "was let pass");
}

INSTANTIATE_TEST_SUITE_P(
    Table, StrictJson,
    ::testing::Values(
        Case{"{}", ""}, Case{" \t\r\n{ } \n", ""}, Case{R"({"a":1})", ""},
        Case{R"({"a":[1,2,{"b":null}],"c":true,"d":false})", ""},
        Case{R"({"a":-0.5e+10,"b":0,"c":1E3,"d":-0})", ""},
        Case{R"({"a":"\"\\\/\b\f\n\r\tA\u00e9\ud83c\udf0a"})", ""},
        Case{"{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8a\"}", ""}, Case{nested(32), ""},
        Case{R"({"a":{"x":1},"b":{"x":1}})", ""}, Case{"", "empty"}, Case{"  ", "empty"},
        Case{"[]", "object is expected"}, Case{"null", "object is expected"},
        Case{"\"a\"", "object is expected"}, Case{"\xef\xbb\xbf{}", "object is expected"},
        Case{"{} {}", "after the JSON document"}, Case{"{},", "after the JSON document"},
        Case{R"({"a":1,"a":2})", "duplicate key `a`"},
        Case{R"({"a":1,"\u0061":2})", "duplicate key `a`"},
        Case{R"({"x":{"b":1,"b":1}})", "duplicate key `b`"}, Case{R"({"a":1,})", "key"},
        Case{R"({"a":[1,]})", "not a JSON value"}, Case{R"({,"a":1})", "key"},
        Case{R"({'a':1})", "key in double quotes"}, Case{R"({"a":'b'})", "not a JSON value"},
        Case{"{a:1}", "key in double quotes"}, Case{"{\"a\":1 // no\n}", "',' or '}'"},
        Case{"{/* no */}", "key in double quotes"}, Case{R"({"a":NaN})", "not a JSON value"},
        Case{R"({"a":Infinity})", "not a JSON value"},
        Case{R"({"a":-Infinity})", "not a JSON value"}, Case{R"({"a":01})", "begin with 0"},
        Case{R"({"a":+1})", "not a JSON value"}, Case{R"({"a":1.})", "digit"},
        Case{R"({"a":.5})", "not a JSON value"}, Case{R"({"a":1e})", "exponent"},
        Case{R"({"a":0x10})", "',' or '}'"}, Case{R"({"a":True})", "not a JSON value"},
        Case{R"({"a":nul})", "not a JSON value"}, Case{R"({"a")", "':'"},
        Case{R"({"a":)", "ends in the middle"}, Case{R"({"a":1)", "',' or '}'"},
        Case{R"({"a":"b)", "does not end"}, Case{"{\"a\":\"b\nc\"}", "control character"},
        Case{std::string("{\"a\":\"\0\"}", 9), "control character"},
        Case{R"({"a":"\x41"})", "no such escape"}, Case{R"({"a":"\u00g0"})", "hexadecimal"},
        Case{R"({"a":"\ud83c"})", "surrogate"}, Case{R"({"a":"\udf0a"})", "surrogate"},
        Case{R"({"a":"\ud83c\u0041"})", "surrogate"}, Case{"{\"a\":\"\xc3\"}", "UTF-8"},
        Case{"{\"a\":\"\xc0\xaf\"}", "UTF-8"}, Case{"{\"a\":\"\xed\xa0\x80\"}", "UTF-8"},
        Case{"{\"a\":\"\xf5\x80\x80\x80\"}", "UTF-8"}, Case{"{\"\xff\":1}", "UTF-8"},
        Case{nested(33), "nested deeper"}, Case{nested(100'000), "nested deeper"}));

TEST(StrictJson, HasOnlySoManyValues) {
    std::string many = "{\"a\":[{}";
    for (int i = 0; i < json_values_max; ++i) many += ",{}";
    const auto fault = json_fault(many + "]}");
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->what, "more than 100000 values");
}

TEST(StrictJson, SaysWhere) {
    const auto fault = json_fault(R"({"a":1,"b":2,"a":3})");
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->offset, 13u);
}

}  // namespace tocsin::gateway
