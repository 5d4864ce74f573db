// cap-files FOLDER: writes CAP alerts of every form, and pages of feeds, for validators of other
// makers.
#include "content/cap.hpp"
#include "content/feed_page.hpp"
#include "content/geojson.hpp"
#include "support/sample_message.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

namespace tocsin::content {
namespace {

using Files = std::map<std::string, std::string>;
constexpr const char* hostile =
    "<b>&amp; \"1 < 2\" 'ça' ]]> <!-- -- --> 🌊 \xD7\xA9\xD7\x9C %s\n\tfin";

std::string alert(auto change) {
    Content content = samples::make_content();
    change(content);
    return cap_xml(content, samples::make_fixed());
}

void refer(Content& content, int count) {
    for (int i = 0; i < count; ++i) {
        Reference& reference = *content.add_references();
        reference.set_sender("alerts@calgary.example.com");
        reference.set_identifier(fmt::format("urn:oid:2.49.0.1.124.{}.2026", i));
        reference.set_sent("2026-06-20T11:00:00-06:00");
    }
}

void add_types(Files& files) {
    files["alert"] = alert([](Content&) {});
    files["update"] = alert([](Content& content) {
        content.set_message_type(v1::MESSAGE_TYPE_UPDATE);
        refer(content, 20);
    });
    files["cancel"] = alert([](Content& content) {
        content.set_message_type(v1::MESSAGE_TYPE_CANCEL);
        refer(content, 1);
    });
    files["retraction"] = cap_xml(samples::make_content(), samples::make_retraction());
    Content silent = samples::make_content();
    silent.mutable_draft()->clear_retraction();
    files["retraction-without-text"] = cap_xml(silent, samples::make_retraction());
    files["test"] =
        alert([](Content& content) { content.mutable_draft()->set_status(v1::STATUS_TEST); });
    files["exercise"] = alert([](Content& content) { content.set_world("exercise"); });
}

void add_texts(Files& files) {
    files["seven-languages"] = alert([](Content& content) {
        for (const char* language : {"es", "pa", "zh-CN", "ar", "cr"}) {
            *content.mutable_draft()->add_texts() =
                samples::make_text(language, "洪水", "ਹੜ੍ਹ", "فيضان", "ᓂᐲ");
            (*content.mutable_draft()->mutable_areas(0)->mutable_descriptions())[language] = "河";
        }
    });
    files["one-language"] =
        alert([](Content& content) { content.mutable_draft()->mutable_texts()->RemoveLast(); });
    files["long"] = alert([](Content& content) {
        for (Text& text : *content.mutable_draft()->mutable_texts()) {
            text.set_headline(std::string(160, 'H'));
            text.set_description(std::string(8000, 'd'));
            text.set_instruction(std::string(8000, 'i'));
        }
    });
    files["hostile"] = alert([](Content& content) {
        for (Text& text : *content.mutable_draft()->mutable_texts()) {
            text.set_event(hostile);
            text.set_headline(hostile);
            text.set_description(hostile);
            text.set_instruction(hostile);
        }
        for (auto& [language, words] :
             *content.mutable_draft()->mutable_areas(0)->mutable_descriptions())
            words = hostile;
        content.mutable_draft()->mutable_areas(0)->mutable_geocodes(0)->set_value("<&>");
        content.set_incident_id("inc <&> of June");
    });
    files["bare"] = alert([](Content& content) {
        Draft& draft = *content.mutable_draft();
        draft.clear_onset();
        draft.clear_web();
        draft.clear_evidence();
        draft.clear_retraction();
        draft.mutable_areas(0)->clear_polygons();
        draft.mutable_areas(0)->clear_geocodes();
        content.clear_incident_id();
        for (Text& text : *draft.mutable_texts()) {
            text.clear_headline();
            text.clear_description();
            text.clear_instruction();
        }
    });
}

void add_areas(Files& files) {
    files["shapes"] = alert([](Content& content) {
        Area& area = *content.mutable_draft()->mutable_areas(0);
        for (int i = 0; i < 19; ++i) area.add_polygons("51,-114 51.1,-114 51.1,-113.9 51,-114");
        for (int i = 0; i < 20; ++i) area.add_circles(fmt::format("51.05,-114.07 {}", i));
        for (int i = 0; i < 99; ++i) {
            v1::Geocode& code = *area.add_geocodes();
            code.set_value_name("profile:CAP-CP:Location:0.3");
            code.set_value(fmt::format("{}", 4806000 + i));
        }
    });
    files["fifty-areas"] = alert([](Content& content) {
        for (int i = 0; i < 49; ++i) *content.mutable_draft()->add_areas() = samples::make_area();
    });
    files["circle-only"] = alert([](Content& content) {
        Area& area = *content.mutable_draft()->mutable_areas(0);
        area.clear_polygons();
        area.clear_geocodes();
        area.add_circles("-51.5,179.99 0.5");
    });
}

// Every word of every code list, those that nobody set included.
void add_codes(Files& files) {
    for (int value = 0; value <= v1::Category_MAX; ++value)
        files[fmt::format("codes-{}", value)] = alert([&](Content& content) {
            Draft& draft = *content.mutable_draft();
            draft.set_status(static_cast<v1::Status>(value % (v1::Status_MAX + 1)));
            draft.set_category(static_cast<v1::Category>(value));
            draft.set_urgency(static_cast<v1::Urgency>(value % (v1::Urgency_MAX + 1)));
            draft.set_severity(static_cast<v1::Severity>(value % (v1::Severity_MAX + 1)));
            draft.set_certainty(static_cast<v1::Certainty>(value % (v1::Certainty_MAX + 1)));
        });
}

std::vector<FeedEntry> entries_of(int entries) {
    std::vector<FeedEntry> list;
    for (int i = 0; i < entries; ++i)
        list.push_back(
            {.id = fmt::format("urn:oid:2.49.0.1.124.{}", i),
             .title = hostile,
             .summary = i % 2 == 0 ? "Quittez les berges." : "",
             .author = "Ville de Calgary & <amis>",
             .href = fmt::format("https://alerts.example.com/{}.xml?a=1&b=é", i),
             .category = "Met",
             .status = "Actual",
             .message_type = i % 2 == 0 ? "Alert" : "Update",
             .references = i % 2 == 0 ? "" : "a.example,urn:oid:1,2026-05-01T10:00:00-00:00",
             .published = samples::now,
             .updated = samples::now + std::chrono::hours{i}});
    for (std::size_t i = 0; i < list.size(); i += 10) {
        list[i].superseded = Superseded{i % 20 == 0, "https://alerts.example.com/later?a=1&b=é"};
        list[i].joint = {"https://alerts.example.com/joint-1.xml?a&b", "urn:x:joint"};
    }
    return list;
}

FeedInfo info_of(int entries, FeedFormat format) {
    const std::string address =
        fmt::format("https://alerts.example.com/feeds/bow/fr-CA.{}", suffix_of(format));
    return {.id = address,
            .title = "Alertes & avis",
            .language = "fr-CA",
            .self = address,
            .author = "Ville de Calgary <essai>",
            .updated = samples::now,
            .next = entries > 1 ? "https://alerts.example.com/next?page=2&x=1" : ""};
}

std::string collection(int entries) {
    std::vector<std::string> features;
    std::vector<const std::string*> rows;
    for (const FeedEntry& entry : entries_of(entries))
        features.push_back(
            geojson_feature(entry, samples::make_content(), samples::make_fixed(), "fr-CA"));
    for (const std::string& feature : features) rows.push_back(&feature);
    return geojson_feed_of(info_of(entries, FeedFormat::geojson), rows);
}

void write(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream stream(file, std::ios::binary);
    stream << bytes;
    stream.close();
    if (!stream) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace
}  // namespace tocsin::content

int main(int argc, char** argv) {
    using namespace tocsin::content;
    if (argc != 2) {
        std::cerr << "usage: cap-files FOLDER\n";
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    Files files;
    add_types(files);
    add_texts(files);
    add_areas(files);
    add_codes(files);
    for (const auto& [name, xml] : files) write(folder / (name + ".cap"), xml);
    for (const int entries : {0, 1, 200}) {
        const auto list = entries_of(entries);
        write(folder / fmt::format("{}.atom", entries),
              atom_feed(info_of(entries, FeedFormat::atom), list));
        write(folder / fmt::format("{}.rss", entries),
              rss_feed(info_of(entries, FeedFormat::rss), list));
        write(folder / fmt::format("{}.geojson", entries), collection(entries));
    }
    write(folder / "hostile.txt", hostile);
}
