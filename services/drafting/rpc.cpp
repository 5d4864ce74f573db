#include "drafting/rpc.hpp"

#include "drafting/decider.hpp"
#include "drafting/preview.hpp"
#include "drafting/watch_stream.hpp"
#include "runtime/page.hpp"

namespace tocsin::drafting {

using runtime::Caller;
using Reactor = DraftingRpc::Reactor;

// Who may write at all; the decider checks it again, and for which message.
static const runtime::Rpc::Roles writers{"author", "duty-officer"};

Reactor* DraftingRpc::CreateIncident(Context* context, const v1::CreateIncidentRequest* request,
                                     v1::CreateIncidentResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, writers);
}

Reactor* DraftingRpc::PutTemplate(Context* context, const v1::PutTemplateRequest* request,
                                  v1::PutTemplateResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, writers);
}

Reactor* DraftingRpc::CreateMessage(Context* context, const v1::CreateMessageRequest* request,
                                    v1::CreateMessageResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, writers);
}

Reactor* DraftingRpc::ReviseMessage(Context* context, const v1::ReviseMessageRequest* request,
                                    v1::ReviseMessageResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, writers);
}

Reactor* DraftingRpc::SubmitMessage(Context* context, const v1::SubmitMessageRequest* request,
                                    v1::SubmitMessageResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, writers);
}

Reactor* DraftingRpc::WithdrawMessage(Context* context, const v1::WithdrawMessageRequest* request,
                                      v1::WithdrawMessageResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, writers);
}

template <class Request, class Response, class Reader>
Reactor* DraftingRpc::read(Context* context, const Request* request, Response* response,
                           Reader reader) {
    return rpc_.read(context, request, response,
                     [this, reader](const Caller& caller, const Request& in, Response& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) -> grpc::Status {
                             return reader(realm, in, out);
                         });
                     });
}

Reactor* DraftingRpc::GetIncident(Context* context, const v1::GetIncidentRequest* request,
                                  v1::GetIncidentResponse* response) {
    return read(context, request, response, [](const Realm& realm, const auto& in, auto& out) {
        auto incident = realm.incident(in.incident_id());
        if (!incident) return runtime::not_found("incident_id", in.incident_id());
        *out.mutable_incident() = std::move(*incident);
        return grpc::Status::OK;
    });
}

Reactor* DraftingRpc::ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                                    v1::ListIncidentsResponse* response) {
    return read(context, request, response, [](const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_incidents(), [&](auto& page) {
            realm.incidents(page.after_place(), [&](std::int64_t place, const auto& incident) {
                return page.add(place, [&](v1::Incident& row) { row = incident.get(); });
            });
        });
    });
}

Reactor* DraftingRpc::GetTemplate(Context* context, const v1::GetTemplateRequest* request,
                                  v1::GetTemplateResponse* response) {
    return read(context, request, response, [](const Realm& realm, const auto& in, auto& out) {
        auto found = realm.find_template(in.template_id());
        if (!found) return runtime::not_found("template_id", in.template_id());
        *out.mutable_template_() = std::move(*found);
        return grpc::Status::OK;
    });
}

Reactor* DraftingRpc::ListTemplates(Context* context, const v1::ListTemplatesRequest* request,
                                    v1::ListTemplatesResponse* response) {
    return read(context, request, response, [](const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_templates(), [&](auto& page) {
            realm.templates(page.after(), [&](const std::string& id, const auto& stored) {
                return page.add(id, [&](v1::Template& row) { row = stored.get(); });
            });
        });
    });
}

Reactor* DraftingRpc::GetMessage(Context* context, const v1::GetMessageRequest* request,
                                 v1::GetMessageResponse* response) {
    return read(context, request, response, [](const Realm& realm, const auto& in, auto& out) {
        auto message = realm.message(in.message_id());
        if (!message) return runtime::not_found("message_id", in.message_id());
        *out.mutable_message() = std::move(*message);
        return grpc::Status::OK;
    });
}

Reactor* DraftingRpc::ListMessages(Context* context, const v1::ListMessagesRequest* request,
                                   v1::ListMessagesResponse* response) {
    return read(context, request, response, [](const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_messages(), [&](auto& page) {
            realm.messages(in.incident_id(), in.state(), page.after_place(),
                           [&](std::int64_t place, const std::string& id, const Standing& message) {
                               return page.add(place, [&](v1::Message& row) {
                                   row = message.message();
                                   row.set_message_id(id);
                               });
                           });
        });
    });
}

grpc::ServerWriteReactor<v1::WatchMessagesResponse>* DraftingRpc::WatchMessages(
    Context* context, const v1::WatchMessagesRequest* request) {
    const auto caller = rpc_.authenticate(*context, *request);
    if (!caller) return new WatchStream(view_, caller.error());
    return new WatchStream(
        view_, caller->realm, request->incident_id(), [&] { return rpc_.readable(caller->realm); },
        [this, who = *caller] { return rpc_.must_end(who); }, std::chrono::seconds{5},
        [context] { context->TryCancel(); });
}

Reactor* DraftingRpc::PreviewMessage(Context* context, const v1::PreviewMessageRequest* request,
                                     v1::PreviewMessageResponse* response) {
    return rpc_.read(context, request, response,
                     [](const Caller& caller, const v1::PreviewMessageRequest& in,
                        v1::PreviewMessageResponse& out) {
                         const auto now = std::chrono::time_point_cast<runtime::Duration>(
                             std::chrono::system_clock::now());
                         out = preview(in.draft(), caller.realm, now, Decider::world);
                         return grpc::Status::OK;
                     });
}

}  // namespace tocsin::drafting
