// Bad and strange files of USGS: see strange_files.hpp.
#include "unit/trigger/strange_files.hpp"

#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using namespace cases;

// USGS: `entry` is one time series, `site` one with these sensors, `sensor` one with these rows.

std::string usgs_file(const std::string& series) {
    return R"({"value":{"timeSeries":[)" + series + "]}}";
}

std::string entry(const std::string& variable, const std::string& values) {
    return R"({"sourceInfo":{"siteCode":[{"value":"1"}]},"variable":{)" + variable +
           R"(},"values":)" + values + "}";
}

std::string site(const std::string& sensors) {
    return entry(R"("variableCode":[{"value":"00065"}],"noDataValue":-999999.0)",
                 '[' + sensors + ']');
}

std::string sensor(const std::string& method, const std::string& rows) {
    return R"({"method":[{"methodID":)" + method + R"(}],"value":[)" + rows + "]}";
}

std::string at(const std::string& clock, const std::string& value) {
    return R"({"value":)" + value + R"(,"qualifiers":["P"],"dateTime":"2026-05-01T)" + clock +
           R"(:00.000Z"})";
}

TEST(StrangeFiles, UsgsSensors) {
    const std::string live = at("10:00", "\"1.5\"");
    const std::string dead = at("10:00", "\"-999999\"");
    const std::string nameless = R"({"value":[)" + live + "]}";
    expect_all(
        "usgs-json",
        {
            {"one sensor", usgs_file(site(sensor("7", live))), "1:00065#7 10:00=1.5"},
            {"one sensor without an id", usgs_file(site(nameless)), "1:00065 10:00=1.5"},
            {"one sensor that is silent", usgs_file(site(sensor("7", ""))), "1:00065#7"},
            {"no sensor", usgs_file(site("")), ""},
            {"a retired sensor first", usgs_file(site(sensor("7", dead) + ',' + sensor("8", live))),
             "1:00065#8 10:00=1.5; 1:00065:7#7; no_data 1"},
            {"a retired sensor last", usgs_file(site(sensor("8", live) + ',' + sensor("7", dead))),
             "1:00065#8 10:00=1.5; 1:00065:7#7; no_data 1"},
            {"a retired sensor that shows its last value",
             usgs_file(site(sensor("7", R"({"value":"9","dateTime":"2025-06-01T10:00:00Z"})") +
                            ',' + sensor("8", live))),
             "1:00065#8 10:00=1.5; 1:00065:7#7 2025-06-01T10:00=9"},
            {"two that deliver", usgs_file(site(sensor("7", live) + ',' + sensor("8", live))),
             "1:00065:7#7 10:00=1.5; 1:00065:8#8 10:00=1.5"},
            {"two that are retired", usgs_file(site(sensor("7", dead) + ',' + sensor("8", ""))),
             "1:00065:7#7; 1:00065:8#8; no_data 1"},
            {"one of three with ice",
             usgs_file(site(sensor("7", at("10:00", "\"Ice\"")) + ',' + sensor("8", live) + ',' +
                            sensor("9", R"({"value":"2","dateTime":"2026-05-01T10:00:00"})"))),
             "1:00065#8 10:00=1.5; 1:00065:7#7; 1:00065:9#9; no_data 1; bad_time 1"},
            {"two with one id", usgs_file(site(sensor("7", live) + ',' + sensor("7", live))),
             "1:00065#7 10:00=1.5"},
            {"two with one id, one of them silent",
             usgs_file(site(sensor("7", live) + ',' + sensor("7", ""))), "1:00065#7 10:00=1.5"},
            {"two with one id and a third",
             usgs_file(site(sensor("7", live) + ',' + sensor("8", live) + ',' + sensor("7", dead))),
             "1:00065:7#7 10:00=1.5; 1:00065:8#8 10:00=1.5; no_data 1"},
            {"two with one id that are silent, and a third",
             usgs_file(site(sensor("7", "") + ',' + sensor("8", live) + ',' + sensor("7", dead))),
             "1:00065#8 10:00=1.5; 1:00065:7#7; no_data 1"},
            {"two without an id", usgs_file(site(nameless + ',' + nameless)),
             "bad_row 2; 1:00065: a sensor without a method id beside others"},
            {"one of two without an id", usgs_file(site(nameless + ',' + sensor("7", live))),
             "1:00065:7#7 10:00=1.5; bad_row 1; "
             "1:00065: a sensor without a method id beside others"},
            {"an id as a text", usgs_file(site(sensor("\"0007\"", live))), "1:00065#7 10:00=1.5"},
            {"the same id as a number and as a text",
             usgs_file(site(sensor("7", live) + ',' + sensor("\"7\"", live))),
             "1:00065#7 10:00=1.5"},
            {"an id below zero", usgs_file(site(sensor("-7", live))), "1:00065 10:00=1.5"},
            {"an id with a fraction", usgs_file(site(sensor("7.5", live))), "1:00065 10:00=1.5"},
            {"an id of letters", usgs_file(site(sensor("\"radar\"", live))), "1:00065 10:00=1.5"},
            {"an id that is null", usgs_file(site(sensor("null", live))), "1:00065 10:00=1.5"},
            {"the parameter twice in the document",
             usgs_file(site(sensor("7", live)) + ',' + site(sensor("8", dead))),
             "1:00065#7 10:00=1.5; 1:00065:8#8; no_data 1"},
            {"a whole series twice",
             usgs_file(site(sensor("7", live)) + ',' + site(sensor("7", live))),
             "1:00065#7 10:00=1.5"},
            {"the parameter twice, once without a sensor",
             usgs_file(site("") + ',' + site(sensor("7", live))), "1:00065#7 10:00=1.5"},
            {"a sensor without rows", usgs_file(site(R"({"method":[{"methodID":7}]})")),
             "bad_row 1; 1:00065: a sensor without a list of values"},
            {"a sensor without rows beside another",
             usgs_file(site(R"({"method":[{"methodID":7}],"value":{}},)" + sensor("8", live))),
             "1:00065#8 10:00=1.5; bad_row 1; 1:00065: a sensor without a list of values"},
            {"a sensor that is a number", usgs_file(site("7," + sensor("8", live))),
             "1:00065#8 10:00=1.5; bad_row 1; 1:00065: a sensor without a method id beside others"},
        });
}

TEST(StrangeFiles, UsgsSeries) {
    const std::string good = site(sensor("7", at("10:00", "1")));
    const std::string code = R"("variableCode":[{"value":"00065"}])";
    const auto with = [&](const std::string& bad) { return usgs_file(bad + ',' + good); };
    const auto site_code = [](const std::string& codes) {
        return R"({"sourceInfo":{"siteCode":)" + codes + R"(},"variable":{},"values":[]})";
    };
    const char* no_site = "1:00065#7 10:00=1; bad_row 1; timeSeries[0]: no site code";
    const char* no_variable =
        "1:00065#7 10:00=1; bad_row 1; timeSeries[0]: no code of the variable";
    const char* no_values = "1:00065#7 10:00=1; bad_row 1; timeSeries[0]: no list of values";
    expect_all(
        "usgs-json",
        {
            {"no series", usgs_file(""), ""},
            {"an empty object", with("{}"), no_site},
            {"null", with("null"), no_site},
            {"a list", with("[[]]"), no_site},
            {"a text", with(R"("1:00065")"), no_site},
            {"no site code", with(R"({"sourceInfo":{}})"), no_site},
            {"no list of site codes", with(site_code("{}")), no_site},
            {"an empty list of site codes", with(site_code("[]")), no_site},
            {"a site code that is a number", with(site_code(R"([{"value":1}])")), no_site},
            {"a site code with a blank", with(site_code(R"([{"value":"a b"}])")), no_site},
            {"a site code with a colon", with(site_code(R"([{"value":"1:2"}])")), no_site},
            {"no variable", with(entry("", "[]")), no_variable},
            {"a variable without a code", with(entry(R"("variableCode":[{}])", "[]")), no_variable},
            {"values that are an object", with(entry(code, "{}")), no_values},
            {"values that are null", with(entry(code, "null")), no_values},
            {"many bad ones", usgs_file("{},[],1," + good + ",null"),
             "1:00065#7 10:00=1; bad_row 4; timeSeries[0]: no site code"},
            {"a bad one behind a bad row", usgs_file(site(sensor("7", "1")) + ",{}"),
             "1:00065#7; bad_row 2; 1:00065: row 1 is not an object"},
            {"a unit of the wrong type",
             usgs_file(entry(code + R"(,"unit":[7])", '[' + sensor("7", at("10:00", "1")) + ']')),
             "1:00065#7 10:00=1"},
        });
}

// One sensor with these rows, and a good one behind them.
std::string usgs_rows(const std::string& rows) {
    return usgs_file(site(sensor("7", rows + ',' + at("10:05", "\"2\""))));
}

TEST(StrangeFiles, UsgsValues) {
    const std::string good = at("10:05", "\"2\"");
    const auto values = [](const std::string& value) { return usgs_rows(at("10:00", value)); };
    const auto without = [&](const std::string& no_data, const std::string& value) {
        return usgs_file(entry(R"("variableCode":[{"value":"00065"}],"noDataValue":)" + no_data,
                               '[' + sensor("7", at("10:00", value) + ',' + good) + ']'));
    };
    const char* taken = "1:00065#7 10:00=1.5 10:05=2";
    const char* no_data = "1:00065#7 10:05=2; no_data 1";
    const char* bad_value = "1:00065#7 10:05=2; bad_value 1";
    expect_all(
        "usgs-json",
        {
            {"a number as a text", values("\"1.5\""), taken},
            {"a number", values("1.5"), taken},
            {"an exponent as a text", values("\"15e-1\""), taken},
            {"an exponent", values("15e-1"), taken},
            {"blanks around it", values("\" 1.5 \""), taken},
            {"no data as a text", values("\"-999999\""), no_data},
            {"no data as a text with zeros", values("\"-999999.00\""), no_data},
            {"no data as a number", values("-999999"), no_data},
            {"no data as it is said", without("-9999", "\"-9999\""), no_data},
            {"no data as it is said in a text", without("\"-9999.0\"", "\"-9999\""), no_data},
            {"no data as usual beside it", without("-9999", "\"-999999\""), no_data},
            {"no data as usual where it is null", without("null", "\"-999999\""), no_data},
            {"an empty text", values("\"\""), no_data},
            {"a blank text", values("\" \""), no_data},
            {"null", values("null"), no_data},
            {"ice", values("\"Ice\""), "1:00065#7 10:05=2; no_data 1"},
            {"equipment", values("\"Eqp\""), "1:00065#7 10:05=2; no_data 1"},
            {"not a number", values("\"NaN\""), bad_value},
            {"infinity", values("\"inf\""), bad_value},
            {"a decimal comma", values("\"1,5\""), bad_value},
            {"a mark behind it", values("\"1.5e\""), bad_value},
            {"less than", values("\"<1.5\""), bad_value},
            {"true", values("true"), bad_value},
            {"a list", values("[1.5]"), bad_value},
            {"an object", values(R"({"value":1.5})"), bad_value},
            {"too large for a rule", values("1e13"), bad_value},
            {"too large for a rule as a text", values("\"1e13\""), bad_value},
            {"too large for any number", values("1e400"), bad_value},
            {"a word that JSON has not", values("NaN"), bad_value},
            {"another", values("-Infinity"), bad_value},
            {"too small for any number", values("-1e400"), bad_value},
            {"too large by its digits", values(std::string(400, '9')), bad_value},
            {"too large as a text", values("\"1e400\""), bad_value},
        });
}

TEST(StrangeFiles, UsgsTimesAndRows) {
    const std::string good = at("10:05", "\"2\"");
    const auto times = [](const std::string& time) {
        return usgs_rows(R"({"value":"1.5","dateTime":)" + time + "}");
    };
    const char* taken = "1:00065#7 10:00=1.5 10:05=2";
    const char* bad_time = "1:00065#7 10:05=2; bad_time 1";
    expect_all(
        "usgs-json",
        {
            {"a half-hour zone", times("\"2026-05-01T06:30:00-03:30\""), taken},
            {"no offset", times("\"2026-05-01T10:00:00.000\""), bad_time},
            {"no time of day", times("\"2026-05-01\""), bad_time},
            {"an empty time", times("\"\""), bad_time},
            {"a time that is null", times("null"), bad_time},
            {"a time as a number", times("1777629600"), bad_time},
            {"no data at no time", usgs_rows(R"({"value":"-999999","dateTime":""})"),
             "1:00065#7 10:05=2; no_data 1"},
            {"a row that is null", usgs_rows("null"),
             "1:00065#7 10:05=2; bad_row 1; 1:00065: row 1 is not an object"},
            {"a row that is a list", usgs_rows("[1.5]"),
             "1:00065#7 10:05=2; bad_row 1; 1:00065: row 1 is not an object"},
            {"a row without a value", usgs_rows(R"({"dateTime":"2026-05-01T10:00:00Z"})"),
             "1:00065#7 10:05=2; bad_row 1; 1:00065: row 1 has no value"},
            {"a row without a time", usgs_rows(R"({"value":"1"})"),
             "1:00065#7 10:05=2; bad_row 1; 1:00065: row 1 has no dateTime"},
            {"a row twice", usgs_rows(good + ',' + good), "1:00065#7 10:05=2"},
            {"a correction", usgs_rows(good + ',' + at("10:05", "3")), "1:00065#7 10:05=2"},
            {"the newest first", usgs_file(site(sensor("7", good + ',' + at("10:00", "1.5")))),
             taken},
            {"a key twice",
             usgs_rows(R"({"value":"9","value":"1.5","dateTime":"2026-05-01T10:00:00Z"})"), taken},
        });
}

TEST(StrangeFiles, UsgsDocuments) {
    const std::string good = usgs_file(site(sensor("7", at("10:00", "1"))));
    expect_all(
        "usgs-json",
        {
            {"a byte-order mark", "\xEF\xBB\xBF" + good, "1:00065#7 10:00=1"},
            {"line ends", "\r\n" + good + "\r\n", "1:00065#7 10:00=1"},
            {"other things beside it", R"({"name":[1e999,-1e999,{}],)" + good.substr(1),
             "1:00065#7 10:00=1"},
            {"the list twice", R"({"value":{"timeSeries":[{}],)" + good.substr(10),
             "1:00065#7 10:00=1"},
            {"a page with status 200", "\n<html><body>Busy</body></html>",
             "error: not JSON, but a web page or XML: is the address right?"},
            {"nothing", "", "error: not JSON, but empty: is the address right?"},
            {"a list", "[" + good + "]", "error: $ is not an object"},
            {"another level", R"({"value":)" + good + "}",
             "error: $.value.timeSeries is missing: no instantaneous values of USGS"},
            {"an error in JSON", R"({"status":503})",
             "error: $.value.timeSeries is missing: no instantaneous values of USGS"},
            {"a bare NaN", usgs_file(site(sensor("7", at("10:00", "NaN")))),
             "1:00065#7; bad_value 1"},
            {"a name in Latin-1",
             R"({"name":"Rivi)"
             "\xE8"
             R"(re",)" +
                 good.substr(1),
             "1:00065#7 10:00=1"},
            {"a tab and half an escape in a name",
             "{\"name\":\"a\tb\\x \\ud83d \\u12\"," + good.substr(1), "1:00065#7 10:00=1"},
            {"an escape of two halves", R"({"name":"\ud83d\ude00",)" + good.substr(1),
             "1:00065#7 10:00=1"},
            {"a value with a plus", usgs_file(site(sensor("7", at("10:00", "+1.5")))),
             "1:00065#7; bad_value 1"},
            {"words that JSON does not know",
             R"({"a":nan,"b":None,"c":.5,"d":007,"e":1.,"f":undefined,"g":-,)" + good.substr(1),
             "1:00065#7 10:00=1"},
            {"two documents", good + good, "error: not JSON: byte 261"},
            {"a NUL at its end", good + '\0', "1:00065#7 10:00=1"},
        });
}

}  // namespace
}  // namespace tocsin::trigger
