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
using Reactor = DraftingRpc::Reactor;

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

Reactor* DraftingRpc::GetIncident(Context* context, const v1::GetIncidentRequest* request,
                                  v1::GetIncidentResponse* response) {
    const auto reader = [](const Caller& caller, const Realm& realm, const auto& in, auto& out) {
        auto incident = realm.incident(in.incident_id());
        if (!incident) return status_of(no_such("incident", in.incident_id(), "incident_id"));
        if (const auto no =
                runtime::require_agency(caller, "incident", incident->agencies(), "incident_id"))
            return status_of(*no);
        *out.mutable_incident() = std::move(*incident);
        return grpc::Status::OK;
    };
    return read(view_, context, request, response, reader);
}

Reactor* DraftingRpc::ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                                    v1::ListIncidentsResponse* response) {
    const auto reader = [](const Caller& caller, const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_incidents(), [&](auto& page) {
            realm.incidents(page.after_place(), [&](std::int64_t place, const auto& packed) {
                v1::Incident incident = packed.get();
                if (!takes_part(caller, incident)) return page.pass(place);
                return page.add(place, [&](v1::Incident& row) { row = std::move(incident); });
            });
        });
    };
    return read(view_, context, request, response, reader);
}

Reactor* DraftingRpc::GetTemplate(Context* context, const v1::GetTemplateRequest* request,
                                  v1::GetTemplateResponse* response) {
    const auto reader = [](const Caller&, const Realm& realm, const auto& in, auto& out) {
        auto found = realm.find_template(in.template_id());
        if (!found) return status_of(no_such("template", in.template_id(), "template_id"));
        *out.mutable_template_() = std::move(*found);
        return grpc::Status::OK;
    };
    return read(view_, context, request, response, reader);
}

Reactor* DraftingRpc::ListTemplates(Context* context, const v1::ListTemplatesRequest* request,
                                    v1::ListTemplatesResponse* response) {
    const auto reader = [](const Caller&, const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_templates(), [&](auto& page) {
            realm.templates(page.after(), [&](const std::string& id, const auto& stored) {
                return page.add(id, [&](v1::Template& row) { row = stored.get(); });
            });
        });
    };
    return read(view_, context, request, response, reader);
}

Reactor* DraftingRpc::GetMessage(Context* context, const v1::GetMessageRequest* request,
                                 v1::GetMessageResponse* response) {
    const auto reader = [](const Caller& caller, const Realm& realm, const auto& in, auto& out) {
        const Standing* standing = realm.standing(in.message_id());
        if (!standing) return status_of(no_such("message", in.message_id(), "message_id"));
        if (!runtime::concerns(caller, standing->parties()))
            return status_of(runtime::not_concerned(caller, "message_id"));
        *out.mutable_message() = *realm.message(in.message_id());
        hide_places(caller, *out.mutable_message());
        return grpc::Status::OK;
    };
    return read(view_, context, request, response, reader);
}

Reactor* DraftingRpc::ListMessages(Context* context, const v1::ListMessagesRequest* request,
                                   v1::ListMessagesResponse* response) {
    const auto reader = [](const Caller& caller, const Realm& realm, const auto& in, auto& out) {
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
    };
    return read(view_, context, request, response, reader);
}

grpc::ServerWriteReactor<v1::WatchMessagesResponse>* DraftingRpc::WatchMessages(
    Context* context, const v1::WatchMessagesRequest* request) {
    const auto caller = rpc_.authenticate(*context, *request);
    if (!caller) return new WatchStream(view_, caller.error());
    DraftingView::Watch watch{caller->realm, caller->actor, request->incident_id(),
                              [who = *caller](const content::v1::Parties& parties) {
                                  return runtime::concerns(who, parties);
                              },
                              [who = *caller](v1::Message& message) { hide_places(who, message); }};
    return new WatchStream(
        view_, std::move(watch), [&] { return rpc_.readable(caller->realm); },
        [this, who = *caller] { return rpc_.must_end(who); }, std::chrono::seconds{5},
        [context] { context->TryCancel(); });
}

Reactor* DraftingRpc::preview_message(Context* context, const grpc::ByteBuffer& request,
                                      grpc::ByteBuffer& response) {
    const auto reader = [this](const Caller& caller, const auto& in, auto& out) {
        return view_.read(caller.realm, [&](const Realm& realm) {
            out = preview(in.draft(), caller.realm, realm.destinations(), runtime::system_now(),
                          world_);
            return grpc::Status::OK;
        });
    };
    return rpc_.read_apart<v1::PreviewMessageRequest, v1::PreviewMessageResponse>(
        previews_, context, request, response, reader);
}

}  // namespace tocsin::drafting
