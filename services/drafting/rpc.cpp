#include "drafting/rpc.hpp"

#include "drafting/preview.hpp"
#include "drafting/watch_stream.hpp"
#include "runtime/base/parties.hpp"
#include "runtime/edge/page.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"

namespace tocsin::drafting {

using runtime::Caller;
using runtime::no_such;
using runtime::status_of;

static bool takes_part(const Caller& caller, const v1::Incident& incident) {
    return texts::contains(incident.agencies(), caller.agency);
}

// Where a message goes, and the bytes that name it, are for people of the agencies that publish it:
// some URLs are secrets. A duty officer of another agency in the incident reads what it says.
static void hide_places(const Caller& caller, v1::Message& message) {
    if (texts::contains(message.agencies(), caller.agency)) return;
    message.clear_publishers();
    message.clear_content();
}

static grpc::Status get_incident(const Caller& caller, const Realm& realm,
                                 const v1::GetIncidentRequest& in, v1::GetIncidentResponse& out) {
    auto incident = realm.incident(in.incident_id());
    if (!incident) return status_of(no_such("incident", in.incident_id(), "incident_id"));
    if (const auto no =
            runtime::require_agency(caller, "incident", incident->agencies(), "incident_id"))
        return status_of(*no);
    *out.mutable_incident() = std::move(*incident);
    return grpc::Status::OK;
}

static grpc::Status list_incidents(const Caller& caller, const Realm& realm,
                                   const v1::ListIncidentsRequest& in,
                                   v1::ListIncidentsResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_incidents(), [&](auto& page) {
        realm.incidents(page.after_place(), [&](std::int64_t place, const auto& packed) {
            v1::Incident incident = packed.get();
            if (!takes_part(caller, incident)) return page.pass(place);
            return page.add(place, [&](v1::Incident& row) { row = std::move(incident); });
        });
    });
}

static grpc::Status get_template(const Caller&, const Realm& realm,
                                 const v1::GetTemplateRequest& in, v1::GetTemplateResponse& out) {
    auto found = realm.find_template(in.template_id());
    if (!found) return status_of(no_such("template", in.template_id(), "template_id"));
    *out.mutable_template_() = std::move(*found);
    return grpc::Status::OK;
}

static grpc::Status list_templates(const Caller&, const Realm& realm,
                                   const v1::ListTemplatesRequest& in,
                                   v1::ListTemplatesResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_templates(), [&](auto& page) {
        realm.templates(page.after(), [&](const std::string& id, const auto& stored) {
            return page.add(id, [&](v1::Template& row) { row = stored.get(); });
        });
    });
}

static grpc::Status get_message(const Caller& caller, const Realm& realm,
                                const v1::GetMessageRequest& in, v1::GetMessageResponse& out) {
    const Standing* standing = realm.standing(in.message_id());
    if (!standing) return status_of(no_such("message", in.message_id(), "message_id"));
    if (!runtime::concerns(caller, standing->parties()))
        return status_of(runtime::not_concerned(caller, "message_id"));
    *out.mutable_message() = *realm.message(in.message_id());
    hide_places(caller, *out.mutable_message());
    return grpc::Status::OK;
}

static grpc::Status list_messages(const Caller& caller, const Realm& realm,
                                  const v1::ListMessagesRequest& in,
                                  v1::ListMessagesResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_messages(), [&](auto& page) {
        realm.messages(in.incident_id(), in.state(), page.after_place(),
                       [&](std::int64_t place, const std::string& id, const Standing& message) {
                           if (!runtime::concerns(caller, message.parties()))
                               return page.pass(place);
                           return page.add(place, [&](v1::Message& row) {
                               row = message.message();
                               row.set_message_id(id);
                               hide_places(caller, row);
                           });
                       });
    });
}

grpc::ServerWriteReactor<v1::WatchMessagesResponse>* DraftingRpc::watch_messages(
    Context* context, const std::expected<Caller, grpc::Status>& caller,
    const v1::WatchMessagesRequest& request) {
    if (!caller) return new WatchStream(view_, caller.error());
    DraftingView::Watch watch{caller->realm, caller->actor, request.incident_id(),
                              [who = *caller](const content::v1::Parties& parties) {
                                  return runtime::concerns(who, parties);
                              },
                              [who = *caller](v1::Message& message) { hide_places(who, message); }};
    return new WatchStream(
        view_, std::move(watch), [this, realm = caller->realm] { return rpc_.readable(realm); },
        [this, who = *caller] { return rpc_.must_end(who); }, std::chrono::seconds{5},
        [context] { context->TryCancel(); });
}

DraftingRpc::DraftingRpc(runtime::Rpc& rpc, DraftingView& view, std::string world)
    : Edge(rpc), view_(view), world_(std::move(world)) {
    read(view_, get_incident);
    read(view_, list_incidents);
    read(view_, get_template);
    read(view_, list_templates);
    read(view_, get_message);
    read(view_, list_messages);
    read_apart(previews_, view_,
               [this](const Caller& caller, const Realm& realm, const v1::PreviewMessageRequest& in,
                      v1::PreviewMessageResponse& out) {
                   out = preview(in.draft(), caller.realm, realm.destinations(),
                                 runtime::system_now(), world_);
                   return grpc::Status::OK;
               });
    watch([this](Context* context, const std::expected<Caller, grpc::Status>& caller,
                 const v1::WatchMessagesRequest& request) {
        return watch_messages(context, caller, request);
    });
}

}  // namespace tocsin::drafting
