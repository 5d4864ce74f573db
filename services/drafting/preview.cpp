#include "drafting/preview.hpp"

#include "content/channel.hpp"
#include "content/checks.hpp"

#include <algorithm>
#include <iterator>

namespace tocsin::drafting {

static void add_finding(v1::PreviewMessageResponse& response, const content::Finding& finding) {
    v1::Finding& added = *response.add_findings();
    added.set_blocks(finding.level == content::Finding::Level::error);
    added.set_code(finding.code);
    added.set_field(finding.field);
    added.set_text(finding.text);
}

v1::PreviewMessageResponse preview(const content::v1::Draft& draft, const std::string& realm,
                                   const Destinations& destinations, runtime::Time now,
                                   const std::string& world) {
    v1::PreviewMessageResponse response;
    auto findings = content::check(draft, now, world);
    std::ranges::move(destination_findings(publishers_of(destinations, draft), draft),
                      std::back_inserter(findings));
    for (const content::Finding& finding : findings) {
        if (response.findings_size() == findings_max) break;
        add_finding(response, finding);
    }
    // Every caller may ask for one, and a draft that can never be stored takes any time to lay out.
    if (draft.ByteSizeLong() > content::draft_bytes_max) return response;

    content::Content content;
    content.set_message_id("preview");
    content.set_revision(1);
    content.set_realm(realm);
    content.set_world(world);
    *content.mutable_draft() = draft;
    content.set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    const content::Fixed fixed = content::worst_case_fixed(false);

    for (const content::ChannelKind& kind : content::all_kinds()) {
        for (const std::string& language : content::languages_of(kind.traits.parts, content)) {
            auto rendition = kind.render(content, language, fixed, kind.limits);
            // The findings say why a text does not fit, or cannot be sent.
            if (!rendition || rendition->body().size() > content::worst_case_bytes_max) continue;
            v1::Preview& added = *response.add_previews();
            added.set_kind(std::string(kind.kind));
            *added.mutable_rendition() = std::move(*rendition);
        }
    }
    return response;
}

}  // namespace tocsin::drafting
