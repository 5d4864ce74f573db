// Bad and strange files of ECCC: see strange_files.hpp.
#include "unit/trigger/strange_files.hpp"

#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using namespace cases;
using std::literals::string_literals::operator""s;

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
            {"a header with another unit",
             level(good + "ID,Date,Water Level (ft),QA\nB,2026-05-01T10:00:00Z,9,1\n" +
                   "ID,Date,Water Level (m),QA\n" + next),
             "A:level 10:00=1 10:05=2; bad_value 1; bad_row 2; line 3: it stands below another "
             "header"},
            {"a header with other columns",
             level(good + "Date,ID,QA,Water Level (m)\n2026-05-01T10:00:00Z,B,1,9\n"),
             "A:level 10:00=1; bad_row 2; line 3: it stands below another header"},
            {"a longer header",
             level(good + "\xEF\xBB\xBFID,Date,Water Level (m),QA,Note\n" +
                   "B,2026-05-01T10:00:00Z,9,1\n"),
             "A:level 10:00=1; bad_row 2; line 3: 5 columns, not 4"},
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

}  // namespace
}  // namespace tocsin::trigger
