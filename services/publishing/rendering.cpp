#include "publishing/rendering.hpp"

#include "content/cap.hpp"
#include "content/channel.hpp"
#include "content/content.hpp"
#include "content/publishers.hpp"
#include "publishing/limits.hpp"
#include "runtime/base/digest.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

using runtime::to_proto;

std::string permalink(const Release& release, std::string_view identifier) {
    return fmt::format("{}/feeds/{}/alerts/{}.xml", release.feed_base_url,
                       release.content->parsed()->realm(), identifier);
}

std::string delivery_key(const Release& release, const v1::Delivery& delivery) {
    const std::string_view purpose =
        delivery.purpose() == v1::PURPOSE_RETRACTION ? "retraction" : "message";
    std::string name = release.id();
    name.append(1, '\0').append(delivery.delivery_id()).append(1, '\0').append(purpose);
    // Hexadecimal: a webhook id may not have dots, an HTTP header not much else.
    return runtime::hex(runtime::sha256(name));
}

static std::string identifier_of(const Release& release, const std::string& agency) {
    return fmt::format("tocsin-{}-{}", release.id(), agency);
}

// Where the public finds the alert of `agency`; empty where no feed has any.
static std::string link_of(const Release& release, const std::string& agency,
                           const std::set<std::string>& showing) {
    if (showing.empty()) return {};
    return permalink(release,
                     identifier_of(release, showing.contains(agency) ? agency : *showing.begin()));
}

content::v1::Fixed fix(const Release& release, const std::string& agency, Time fire_at,
                       const std::set<std::string>& showing) {
    content::v1::Fixed fixed;
    fixed.set_release_id(release.id());
    fixed.set_agency(agency);
    fixed.set_identifier(identifier_of(release, agency));
    if (const auto* publisher = content::find_publisher(*release.content->parsed(), agency)) {
        fixed.set_sender(publisher->cap_sender());
        *fixed.mutable_sender_names() = publisher->names();
    }
    const Time second = std::chrono::floor<std::chrono::seconds>(fire_at);
    fixed.set_sent(content::cap_time(to_proto(second)));
    *fixed.mutable_fire_at() = to_proto(fire_at);
    *fixed.mutable_expires() = to_proto(release.expires);
    for (const std::string& other : showing) {
        const auto* publisher = content::find_publisher(*release.content->parsed(), other);
        if (other == agency || !publisher) continue;
        content::Reference& joint = *fixed.add_joint();
        joint.set_sender(publisher->cap_sender());
        joint.set_identifier(identifier_of(release, other));
        joint.set_sent(fixed.sent());
    }
    const std::string link = link_of(release, agency, showing);
    fixed.set_permalink(link.empty() ? release.content->parsed()->draft().web() : link);
    return fixed;
}

std::expected<content::v1::Rendition, std::string> render(const Release& release,
                                                          const v1::Delivery& delivery,
                                                          int64_t text_max,
                                                          const content::v1::Fixed& fixed) {
    const content::ChannelKind* kind = content::find_kind(delivery.kind());
    if (!kind)
        return std::unexpected(fmt::format("There is no channel kind `{}`.", delivery.kind()));
    content::Limits limits = kind->limits;
    if (text_max > 0) limits.text_max = text_max;
    if (!release.content) return std::unexpected("The texts of this release were dropped.");
    const auto& content = release.content->parsed();
    if (!content) return std::unexpected(content.error());
    content::v1::Fixed own = fixed;
    own.set_in_reply_to(delivery.in_reply_to());
    auto rendition = kind->render(*content, delivery.language(), own, limits);
    if (!rendition) return std::unexpected(rendition.error().text);
    if (rendition->body().size() > content::rendition_bytes_max)
        return std::unexpected(
            fmt::format("It has {} bytes for this channel, of which {} can be "
                        "sent: make the areas simpler.",
                        rendition->body().size(), content::rendition_bytes_max));
    return std::move(*rendition);
}

static std::string kind_of_text(const v1::Delivery& delivery, int64_t text_max) {
    return fmt::format("{}\n{}\n{}", delivery.kind(), delivery.language(), text_max);
}

std::string trial(const Release& release, const Delivery& delivery, int64_t text_max, Time now) {
    if (!release.content) return "There is no approved content.";
    const v1::Delivery& head = delivery.head;
    const std::string key = kind_of_text(head, text_max) + '\n' + head.agency_id();
    return release.content->once(key, [&]() -> std::string {
        if (const auto& content = release.content->parsed(); !content) return content.error();
        // Which feeds will show it is not known yet: as long as it may get.
        content::v1::Fixed fixed = fix(release, head.agency_id(), now, *release.feeds);
        const std::string& web = release.content->parsed()->draft().web();
        if (web.size() > fixed.permalink().size()) fixed.set_permalink(web);
        const auto rendition = render(release, head, text_max, fixed);
        return rendition ? std::string{} : rendition.error();
    });
}

template <class Event>
std::expected<int, std::string> Arming<Event>::rendition_for(const v1::Delivery& delivery,
                                                             int64_t text_max, int fixed) {
    const std::string key =
        fmt::format("{}\n{}\n{}", kind_of_text(delivery, text_max), fixed, delivery.in_reply_to());
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    auto rendition = render(release_, delivery, text_max, event_.fixed(fixed));
    if (!rendition) return known_.emplace(key, std::unexpected(rendition.error())).first->second;
    v1::ArmedRendition& added = *event_.add_renditions();
    added.set_fixed(fixed);
    added.set_digest(content::digest(rendition->body()));
    bodies_.push_back(std::move(*rendition->mutable_body()));
    rendition->clear_body();
    *added.mutable_rendition() = std::move(*rendition);
    return known_.emplace(key, event_.renditions_size() - 1).first->second;
}

template <class Event>
Event Arming<Event>::take(std::size_t used) {
    std::size_t bytes = used + event_.ByteSizeLong();
    std::set<std::string> there;
    left_ = 0;
    for (int i = 0; i < event_.renditions_size(); ++i) {
        v1::ArmedRendition& one = *event_.mutable_renditions(i);
        std::string& body = bodies_[static_cast<std::size_t>(i)];
        if (!there.insert(one.digest()).second) continue;
        constexpr std::size_t framing = 16;
        if (bytes + body.size() + framing > decision_bytes) {
            ++left_;
            continue;
        }
        bytes += body.size() + framing;
        one.mutable_rendition()->set_body(std::move(body));
    }
    return std::move(event_);
}

template class Arming<v1::ReleaseArmed>;
template class Arming<v1::StragglersArmed>;
template class Arming<v1::RetractionArmed>;

}  // namespace tocsin::publishing
