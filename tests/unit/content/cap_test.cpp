#include "content/cap.hpp"

#include "content/channel.hpp"
#include "support/sample_message.hpp"

#include <gtest/gtest.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include <cstdlib>
#include <fstream>
#include <memory>

namespace tocsin::content {
namespace {

void quiet(void*, const char*, ...) {}

struct Document {
    explicit Document(const std::string& xml)
        : document{xmlReadMemory(xml.data(), static_cast<int>(xml.size()), nullptr, nullptr,
                                 XML_PARSE_NONET),
                   &xmlFreeDoc} {}
    std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> document;
};

// The file is indented, for people.
std::string read_golden(const std::string& name) {
    std::ifstream file{std::string{TOCSIN_SOURCE_DIR} + "/tests/data/content/" + name};
    std::string all, line;
    std::getline(file, all);
    all += '\n';
    while (std::getline(file, line)) all += line.substr(line.find_first_not_of(' '));
    return all + '\n';
}

// Everything that can vary in what is written.
std::vector<std::string> variants() {
    std::vector<std::string> all;
    const Content plain = samples::make_content();
    all.push_back(cap_xml(plain, samples::make_fixed()));
    all.push_back(cap_xml(plain, samples::make_retraction()));
    Content update = plain;
    update.set_message_type(v1::MESSAGE_TYPE_UPDATE);
    for (const char* identifier : {"one", "two"}) {
        Reference* reference = update.add_references();
        reference->set_sender("alerts@calgary.example.com");
        reference->set_identifier(identifier);
        reference->set_sent("2026-06-20T11:00:00-06:00");
    }
    update.mutable_draft()->mutable_areas(0)->add_circles("51.05,-114.07 5");
    update.mutable_draft()->clear_onset();
    update.mutable_draft()->clear_web();
    all.push_back(cap_xml(update, samples::make_fixed()));
    Content silent = plain;
    silent.mutable_draft()->clear_retraction();
    all.push_back(cap_xml(silent, samples::make_retraction()));
    Content exercise = plain;
    exercise.set_world("exercise");
    exercise.mutable_draft()->set_status(v1::STATUS_EXERCISE);
    all.push_back(cap_xml(exercise, samples::make_fixed()));
    for (int value = 0; value <= v1::Category_MAX; ++value) {
        Content coded = plain;
        Draft& draft = *coded.mutable_draft();
        draft.set_status(static_cast<v1::Status>(value % (v1::Status_MAX + 1)));
        draft.set_category(static_cast<v1::Category>(value));
        draft.set_urgency(static_cast<v1::Urgency>(value % (v1::Urgency_MAX + 1)));
        draft.set_severity(static_cast<v1::Severity>(value % (v1::Severity_MAX + 1)));
        draft.set_certainty(static_cast<v1::Certainty>(value % (v1::Certainty_MAX + 1)));
        all.push_back(cap_xml(coded, samples::make_fixed()));
    }
    return all;
}

TEST(Cap, EveryFormIsValidByTheSchema) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    const std::string path = std::string{data} + "/cap/schema/CAP-v1.2.xsd";
    const std::unique_ptr<xmlSchemaParserCtxt, decltype(&xmlSchemaFreeParserCtxt)> parser{
        xmlSchemaNewParserCtxt(path.c_str()), &xmlSchemaFreeParserCtxt};
    const std::unique_ptr<xmlSchema, decltype(&xmlSchemaFree)> schema{xmlSchemaParse(parser.get()),
                                                                      &xmlSchemaFree};
    ASSERT_NE(schema, nullptr) << path;
    for (const std::string& xml : variants()) {
        const Document document{xml};
        ASSERT_NE(document.document, nullptr);
        const std::unique_ptr<xmlSchemaValidCtxt, decltype(&xmlSchemaFreeValidCtxt)> check{
            xmlSchemaNewValidCtxt(schema.get()), &xmlSchemaFreeValidCtxt};
        EXPECT_EQ(xmlSchemaValidateDoc(check.get(), document.document.get()), 0) << xml;
    }
}

TEST(Cap, AnAlertIsWrittenByteForByteAsRecorded) {
    EXPECT_EQ(cap_xml(samples::make_content(), samples::make_fixed()),
              read_golden("cap_alert.xml"));
    EXPECT_EQ(cap_xml(samples::make_content(), samples::make_retraction()),
              read_golden("cap_cancel.xml"));
}

TEST(Cap, ARetractionCancelsTheExactAlert) {
    const std::string xml = cap_xml(samples::make_content(), samples::make_retraction());
    EXPECT_TRUE(xml.contains("<msgType>Cancel</msgType>"));
    EXPECT_TRUE(
        xml.contains("<references>alerts@calgary.example.com,"
                     "urn:oid:2.49.0.1.124.1234567890.2026,"
                     "2026-06-20T12:05:00-06:00</references>"));
    EXPECT_TRUE(xml.contains("Cancelled: the flood alert for Calgary was wrong"));
    EXPECT_FALSE(xml.contains("Leave the banks now"));
}

TEST(Cap, AllReferencesOfAnUpdateAreNamed) {
    const std::string xml = variants()[2];
    EXPECT_TRUE(
        xml.contains("<references>alerts@calgary.example.com,one,2026-06-20T11:00:00-06:00 "
                     "alerts@calgary.example.com,two,2026-06-20T11:00:00-06:00"));
    EXPECT_TRUE(xml.contains("<web>https://alerts.example.com/a/rel-1</web>"));
}

TEST(Cap, TheExerciseWorldOutranksTheStatus) {
    Content content = samples::make_content();
    content.set_world("exercise");
    const std::string xml = cap_xml(content, samples::make_fixed());
    EXPECT_TRUE(xml.contains("<status>Exercise</status>"));
    EXPECT_TRUE(xml.contains("<note>EXERCICE – EXERCISE</note>"));
    EXPECT_FALSE(xml.contains("Actual"));
    for (const Text& text : content.draft().texts())
        for (const std::string& part : {text.headline(), text.description()})
            EXPECT_TRUE(xml.contains(">EXERCICE – EXERCISE: " + part)) << xml;
}

TEST(Cap, HostileTextStaysText) {
    const std::string hostile =
        "</headline><x>&amp; ]]> <!-- \"quoted\" 'too' &eacute; <!DOCTYPE a> é 🚨";
    Content content = samples::make_content();
    content.mutable_draft()->mutable_texts(0)->set_headline(hostile);
    const std::string xml = cap_xml(content, samples::make_fixed());
    EXPECT_FALSE(xml.contains("<x>"));
    EXPECT_FALSE(xml.contains("<!DOCTYPE"));
    const Document document{xml};
    ASSERT_NE(document.document, nullptr);
    xmlNode* info = xmlDocGetRootElement(document.document.get())->children;
    while (info != nullptr && std::string_view{(const char*)info->name} != "info")
        info = info->next;
    ASSERT_NE(info, nullptr);
    xmlNode* headline = info->children;
    while (headline != nullptr && std::string_view{(const char*)headline->name} != "headline")
        headline = headline->next;
    ASSERT_NE(headline, nullptr);
    const std::unique_ptr<xmlChar, decltype(xmlFree)> text{xmlNodeGetContent(headline), xmlFree};
    EXPECT_EQ(std::string{(const char*)text.get()}, hostile);
}

TEST(Cap, CharactersThatXmlForbidsAreNeverWritten) {
    xmlSetGenericErrorFunc(nullptr, quiet);
    const std::string bad_texts[] = {std::string{"a\0b", 3}, "a\x01\x1F\x7F b", "\xEF\xBF\xBE",
                                     "\xFF\xC0\xAF", "\xED\xA0\x80"};
    for (const std::string& bad : bad_texts) {
        Content content = samples::make_content();
        content.mutable_draft()->mutable_texts(0)->set_description(bad);
        Fixed fixed = samples::make_fixed();
        (*fixed.mutable_sender_names())["en-CA"] = bad;
        const Document document{cap_xml(content, fixed)};
        EXPECT_NE(document.document, nullptr);
    }
}

TEST(Cap, TimesHaveWholeSecondsAndANumericOffset) {
    google::protobuf::Timestamp time;
    time.set_seconds(1'781'978'400);
    time.set_nanos(999'999'999);
    EXPECT_EQ(cap_time(time), "2026-06-20T18:00:00-00:00");
    EXPECT_TRUE(is_cap_time(cap_time(time)));
    for (const char* bad : {"2026-06-20T18:00:00Z", "2026-06-20T18:00:00,00:00",
                            "2026-06-20T18:00:00.1-00:00", "2026-06-20 18:00:00-00:00", ""})
        EXPECT_FALSE(is_cap_time(bad)) << bad;
}

TEST(Feed, BadFixedValuesAreRefusedBeforeTheyAreSent) {
    const ChannelKind& feed = *find_kind("feed");
    const auto code = [&](auto change) -> std::string {
        Fixed fixed = samples::make_retraction();
        change(fixed);
        const auto rendition = feed.render(samples::make_content(), "", fixed, feed.limits);
        return rendition ? "" : rendition.error().code;
    };
    EXPECT_EQ(code([](Fixed&) {}), "");
    for (const char* bad : {"", "a b", "a,b", "a<b", "a&b", "a\nb"}) {
        EXPECT_EQ(code([&](Fixed& fixed) { fixed.set_identifier(bad); }), "bad_identifier") << bad;
        EXPECT_EQ(code([&](Fixed& fixed) { fixed.set_sender(bad); }), "bad_sender") << bad;
    }
    EXPECT_EQ(code([](Fixed& fixed) { fixed.set_sent("2026-06-20T18:00:00Z"); }), "bad_sent");
    EXPECT_EQ(code([](Fixed& fixed) { fixed.clear_retracts(); }), "nothing_retracted");
}

TEST(Cap, HasNoFewerBytesThanItsAreasSay) {
    Content content = samples::make_content();
    Area& area = *content.mutable_draft()->mutable_areas(0);
    area.add_circles("51,-114 1");
    for (int i = 0; i < 50; ++i) *area.add_geocodes() = area.geocodes(0);
    const Fixed fixed = samples::make_fixed();
    const std::size_t least = cap_bytes_least(content, fixed);
    const std::size_t bytes = cap_xml(content, fixed).size();
    EXPECT_LE(least, bytes);
    EXPECT_GT(least, bytes / 2);
    // Of what is certainly too large, nothing is written.
    for (int i = 0; i < 5000; ++i) *area.add_geocodes() = area.geocodes(0);
    const auto rendition = find_kind("feed")->render(content, "", fixed, {});
    ASSERT_FALSE(rendition);
    EXPECT_EQ(rendition.error().code, "too_large");
}

}  // namespace
}  // namespace tocsin::content
