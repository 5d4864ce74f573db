// Bad and strange files, each with all that is read of it: series, readings, what was skipped, and
// the first fault.
#include "unit/trigger/gauge_files.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using std::literals::string_literals::operator""s;

struct Strange {
    const char* what;
    std::string body;
    const char* says;
};

// The time of 1 May 2026 as `10:05`, any other in full.
std::string told(Time time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    if (std::chrono::floor<std::chrono::days>(time) == utc("2026-05-01T00:00Z"))
        return fmt::format("{:%H:%M}", seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M}", seconds);
}

// `A:level 10:00=1.5 10:05=2; bad_row 1; line 3: 2 columns, not 3`. Of two names of one series the
// short one.
std::string told(const std::expected<Parsed, std::string>& parsed) {
    if (!parsed) return "error: " + parsed.error();
    std::vector<std::string> parts;
    for (const Series& series : parsed->series) {
        if (is_said_shorter(*parsed, series)) continue;
        std::string& part = parts.emplace_back(series.name);
        if (!series.sensor.empty()) part += '#' + series.sensor;
        for (const Reading& reading : series.readings)
            part += fmt::format(" {}={}", told(reading.read_at), reading.value);
    }
    for (std::size_t i = 0; i < skip_names.size(); ++i)
        if (const auto count = parsed->skipped.counts[i]; count > 0)
            parts.push_back(fmt::format("{} {}", skip_names[i], count));
    if (!parsed->first_fault.empty()) parts.push_back(parsed->first_fault);
    return fmt::format("{}", fmt::join(parts, "; "));
}

void expect_all(const char* format, const std::vector<Strange>& files) {
    for (const Strange& file : files)
        EXPECT_EQ(told(find_format(format)->read(file.body)), file.says) << file.what;
}

// ECCC: a header with one or both of the parameters, and rows.

std::string level(const std::string& rows) { return "ID,Date,Water Level (m),QA\n" + rows; }

const std::string datamart =
    "\xEF\xBB\xBF ID,Date,Water Level / Niveau d'eau (m),Grade,Symbol / Symbole,QA/QC,"
    "Discharge / Débit (cms),Grade,Symbol / Symbole,QA/QC\n";

std::string row(const std::string& station, const std::string& clock, const std::string& value) {
    return station + ",2026-05-01T" + clock + ":00Z," + value + ",1\n";
}

TEST(StrangeFiles, EcccRowsThatAreShortLongOrCut) {
    const std::string good = row("A", "10:00", "1");
    const std::string next = row("A", "10:05", "2");
    const std::string wide = "05BB002,2026-05-01T10:00:00Z,1.0,,,1,1500,,,1\n";
    expect_all(
        "eccc-csv",
        {
            {"a short row", datamart + "05AA001,2026-05-01T09:55:00Z,1.0,,,1\n" + wide,
             "05BB002:discharge 10:00=1500; 05BB002:level 10:00=1; bad_row 1; "
             "line 2: 6 columns, not 10"},
            {"cut in its last line", datamart + wide + "05CC003,2026-05-01T1",
             "05BB002:discharge 10:00=1500; 05BB002:level 10:00=1; bad_row 1; "
             "line 3: 2 columns, not 10"},
            {"cut in its last value", datamart + wide + "05BB002,2026-05-01T10:05:00Z,1.0,,,1,15",
             "05BB002:discharge 10:00=1500; 05BB002:level 10:00=1; bad_row 1; "
             "line 3: 7 columns, not 10"},
            {"cut in its last column", datamart + "05BB002,2026-05-01T10:05:00Z,1.0,,,1,15,,,",
             "05BB002:discharge 10:05=15; 05BB002:level 10:05=1"},
            {"cut behind the last value", level(good + "A,2026-05-01T10:05:00Z,2,"),
             "A:level 10:00=1 10:05=2"},
            {"cut in the value, which comes last",
             "ID,Date,Water Level (m)\nA,2026-05-01T10:00:00Z,1\nA,2026-05-01T10:05:00Z,2",
             "A:level 10:00=1; bad_row 1; line 3: the file ends in it"},
            {"cut in the station, which comes last",
             "Date,Water Level (m),ID\n2026-05-01T10:00:00Z,1,05AA00",
             "bad_row 1; line 2: the file ends in it"},
            {"cut in the time, which comes last",
             "ID,Water Level (m),Date\nA,1,2026-05-01T10:00:00-03:3", "bad_time 1"},
            {"the last line end missing behind a time",
             "ID,Water Level (m),Date\nA,1,2026-05-01T10:00:00Z", "A:level 10:00=1"},
            {"cut between CR and LF", "ID,Date,Water Level (m)\nA,2026-05-01T10:00:00Z,1\r",
             "A:level 10:00=1"},
            {"a long row", level("A,2026-05-01T10:05:00Z,2,1,1\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: 5 columns, not 4"},
            {"a very long row", level(std::string(2'000'000, ',') + '\n' + good),
             "A:level 10:00=1; bad_row 1; line 2: more than 64 columns"},
            {"two megabytes in one field", level("A," + std::string(2'000'000, 'x') + '\n' + good),
             "A:level 10:00=1; bad_row 1; line 2: 2 columns, not 4"},
            {"two megabytes of digits",
             level("A,2026-05-01T10:05:00Z," + std::string(2'000'000, '9') + ",1\n" + good),
             "A:level 10:00=1; bad_value 1"},
            {"every row bad", level("A\nA,B\n\nA,B,C\n"), "bad_row 3; line 2: 1 columns, not 4"},
            {"a decimal comma", level(row("A", "10:05", "1,5") + good),
             "A:level 10:00=1; bad_row 1; line 2: 5 columns, not 4"},
            {"a decimal comma in quotes", level(row("A", "10:05", "\"1,5\"") + good),
             "A:level 10:00=1; bad_value 1"},
            {"rows of semicolons", level("A;2026-05-01T10:05:00Z;2;1\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: 1 columns, not 4"},
            {"the header again", level(good + "ID,Date,Water Level (m),QA\n" + next),
             "A:level 10:00=1 10:05=2; bad_value 1"},
            {"another file behind it", datamart + wide + datamart + wide,
             "05BB002:discharge 10:00=1500; 05BB002:level 10:00=1; bad_row 1; "
             "line 3: bad station id"},
            {"a page of an error behind it", level(good + "<html>\n<b>busy, try later</b>\n"),
             "A:level 10:00=1; bad_row 2; line 3: 1 columns, not 4"},
        });
}

TEST(StrangeFiles, EcccQuotesAndBytes) {
    const std::string good = row("A", "10:00", "1");
    const std::string next = row("A", "10:05", "2");
    const std::string quoted = "\"A\",\"2026-05-01T10:00:00Z\",\" 1 \",\"a \"\"b\"\", c\"\n";
    expect_all(
        "eccc-csv",
        {
            {"everything quoted", level(quoted), "A:level 10:00=1"},
            {"a quote that is never closed", level("A,\"2026-05-01T10:05:00Z,2,1\n" + good + next),
             "A:level 10:00=1 10:05=2; bad_row 1; line 2: a quote is never closed"},
            {"a quote that the next row's closes",
             level("A,\"2026-05-01T10:05:00Z,2,1\n" + quoted + next),
             "A:level 10:00=1 10:05=2; bad_row 1; line 2: text after a quoted field"},
            {"two forgotten quotes that make one row of four",
             level("A,2026-05-01T09:55:00Z,0,\"1\n" + good + next +
                   "A,2026-05-01T10:10:00Z,3,1\"\n"),
             "A:level 10:00=1 10:05=2; bad_row 2; line 2: a quote is not closed in its line"},
            {"a note of two lines", level("A,2026-05-01T10:00:00Z,1,\"seen\nby hand\"\n" + next),
             "A:level 10:00=1 10:05=2"},
            {"a note of two lines and a bad row behind it",
             level("A,2026-05-01T10:00:00Z,1,\"seen\r\nby hand\"\r\nA\r\n"),
             "A:level 10:00=1; bad_row 1; line 4: 1 columns, not 4"},
            {"a note of two lines in a row that is bad",
             level("A B,2026-05-01T09:55:00Z,1,\"seen\nby hand\"\n" + good),
             "A:level 10:00=1; bad_row 2; line 2: bad station id"},
            {"a quote within a field", level("A,2026-05-01T10:05:00Z,2,5\" ice\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: a quote within a field"},
            {"text behind a quote", level(row("A", "10:05", "\"2\"0") + good),
             "A:level 10:00=1; bad_row 1; line 2: text after a quoted field"},
            {"a lonely quote", level("\"\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: a quote is never closed"},
            {"a NUL in a value", level(row("A", "10:05", "2\0"s) + good),
             "A:level 10:00=1; bad_row 1; line 2: a NUL byte"},
            {"a NUL where nobody looks", level("A,2026-05-01T10:05:00Z,2,\0\n"s + good),
             "A:level 10:00=1; bad_row 1; line 2: a NUL byte"},
            {"a row of NULs at the end", level(good + std::string(512, '\0')),
             "A:level 10:00=1; bad_row 1; line 3: a NUL byte"},
            {"a note in Latin-1", level("A,2026-05-01T10:05:00Z,2,\xE9t\xE9\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: not UTF-8"},
            {"half a character", level("A,2026-05-01T10:05:00Z,2,\xC3\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: not UTF-8"},
            {"a note in UTF-8", level("A,2026-05-01T10:00:00Z,1,\xC3\xA9t\xC3\xA9\n"),
             "A:level 10:00=1"},
            {"a header in Latin-1",
             "ID,Date,Discharge / D\xE9"
             "bit (cms),QA\nA,2026-05-01T10:00:00Z,7,1\n",
             "A:discharge 10:00=7"},
            {"a bad station", level("../A,2026-05-01T10:05:00Z,2,1\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: bad station id"},
            {"no station", level(",2026-05-01T10:05:00Z,2,1\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: bad station id"},
            {"a station with a very long name",
             level(std::string(49, 'A') + ",2026-05-01T10:05:00Z,2,1\n" + good),
             "A:level 10:00=1; bad_row 1; line 2: bad station id"},
            {"a byte-order mark", "\xEF\xBB\xBF" + level(good), "A:level 10:00=1"},
            {"two byte-order marks", "\xEF\xBB\xBF\xEF\xBB\xBF" + level(good),
             "error: line 1: no column ID"},
            {"CRLF", "ID,Date,Water Level (m)\r\nA,2026-05-01T10:00:00Z,1\r\n", "A:level 10:00=1"},
            {"CR alone", "ID,Date,Water Level (m)\rA,2026-05-01T10:00:00Z,1\r", "A:level 10:00=1"},
            {"mixed line ends and blank lines",
             "\r\nID,Date,Water Level (m)\r\nA,2026-05-01T10:00:00Z,1\n\n \r"
             "A,2026-05-01T10:05:00Z,2\r\r\nA\n",
             "A:level 10:00=1 10:05=2; bad_row 1; line 8: 1 columns, not 3"},
        });
}

TEST(StrangeFiles, EcccHeaders) {
    const std::string good = row("A", "10:00", "1");
    expect_all("eccc-csv",
               {
                   {"columns in another order",
                    "QA,Discharge (cms),Date,Water Level (m),ID\n1,7,2026-05-01T10:00:00Z,1.5,A\n",
                    "A:discharge 10:00=7; A:level 10:00=1.5"},
                   {"a column twice",
                    "ID,Date,Water Level (m),Water Level (m),ID,Date\n"
                    "A,2026-05-01T10:00:00Z,1,9,B,2026-05-01T11:00:00Z\n",
                    "A:level 10:00=1"},
                   {"French alone", "ID,Date,Débit (m³/s),Symbole\nA,2026-05-01T10:00:00Z,7,\n",
                    "A:discharge 10:00=7"},
                   {"the level in feet", "ID,Date,Water Level (ft),QA\n" + good, "A:level 10:00=1"},
                   {"the discharge in cubic feet", "ID,Date,Discharge (cfs),QA\n" + good,
                    "A:discharge 10:00=1"},
                   {"no unit", "ID,Date,Water Level,QA\n" + good, "A:level 10:00=1"},
                   {"no header", good, "error: line 1: no column ID"},
                   {"a list of stations", "ID,Name / Nom,Latitude\nA,B,1\n",
                    "error: line 1: no column Date"},
                   {"a page with status 200", "<!DOCTYPE html>\n<p>ID,Date,Water Level (m)</p>\n",
                    "error: no CSV, but a web page or XML: is the address right?"},
                   {"JSON", "[1]", "error: no CSV, but JSON: is the address right?"},
                   {"nothing", "", "error: no CSV, but empty: is the address right?"},
                   {"blanks", " \r\n\t", "error: no CSV, but empty: is the address right?"},
                   {"semicolons", "ID;Date;Water Level (m)\nA;2026-05-01T10:00:00Z;1,5\n",
                    "error: line 1: the columns must be separated by commas, not by `;`"},
                   {"a header alone", level(""), ""},
                   {"half a header", "ID,Date,Water Level (m),Q",
                    "error: line 1: the file ends in its header"},
               });
}

TEST(StrangeFiles, EcccValuesAndTimes) {
    const auto values = [](const std::string& value) { return level(row("A", "10:00", value)); };
    const auto times = [](const std::string& time) { return level("A," + time + ",1,1\n"); };
    expect_all("eccc-csv",
               {
                   {"no value", values(""), ""},
                   {"a blank value", values(" "), ""},
                   {"an empty value in quotes", values("\"\""), ""},
                   {"an exponent", values("1.5E2"), "A:level 10:00=150"},
                   {"a huge exponent", values("1e400"), "bad_value 1"},
                   {"more than a rule takes", values("1e13"), "bad_value 1"},
                   {"not a number", values("NaN"), "bad_value 1"},
                   {"infinity", values("-inf"), "bad_value 1"},
                   {"hexadecimal", values("0x1p4"), "bad_value 1"},
                   {"a plus sign", values("+1"), "bad_value 1"},
                   {"two points", values("1.5.2"), "bad_value 1"},
                   {"a unit behind it", values("1.5 m"), "bad_value 1"},
                   {"ice", values("Ice"), "bad_value 1"},
                   {"blanks around it", values("  -1.5\t"), "A:level 10:00=-1.5"},
                   {"zero", values("0"), "A:level 10:00=0"},
                   {"a half-hour zone", times("2026-05-01T06:30:00-03:30"), "A:level 10:00=1"},
                   {"a zone ahead", times("2026-05-01T15:45:00+05:45"), "A:level 10:00=1"},
                   {"no offset", times("2026-05-01T10:00:00"), "bad_time 1"},
                   {"no time of day", times("2026-05-01"), "bad_time 1"},
                   {"a blank for the T", times("2026-05-01 10:00:00Z"), "bad_time 1"},
                   {"no such day", times("2026-02-29T10:00:00Z"), "bad_time 1"},
                   {"no time", times(""), "bad_time 1"},
                   {"the American way", times("05/01/2026 10:00"), "bad_time 1"},
                   {"no value at no time", level("A,,,1\n"), ""},
                   {"no number at no time", level("A,,Ice,1\n"), "bad_value 1"},
                   {"one time of two values", datamart + "A,10:00,1,,,1,7,,,1\n", "bad_time 2"},
                   {"one value of two bad", datamart + "A,2026-05-01T10:00:00Z,1,,,1,Ice,,,1\n",
                    "A:level 10:00=1; bad_value 1"},
                   {"a row twice", level(row("A", "10:00", "1") + row("A", "10:00", "1")),
                    "A:level 10:00=1"},
                   {"a correction", level(row("A", "10:00", "1") + row("A", "10:00", "1.5")),
                    "A:level 10:00=1.5"},
                   {"the newest first", level(row("A", "10:05", "2") + row("A", "10:00", "1")),
                    "A:level 10:00=1 10:05=2"},
                   {"stations by turns",
                    level(row("B", "10:00", "1") + row("A", "10:00", "2") + row("B", "10:05", "3")),
                    "A:level 10:00=2; B:level 10:00=1 10:05=3"},
               });
}

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
    expect_all("usgs-json",
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
                    "error: not JSON: byte 15"},
                   {"two documents", good + good, "error: not JSON: byte 261"},
                   {"a NUL at its end", good + '\0', "1:00065#7 10:00=1"},
               });
}

}  // namespace
}  // namespace tocsin::trigger
