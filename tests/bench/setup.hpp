// A whole Tocsin in the live world, up to the point where messages can be written and go out.
#pragma once

#include "bench/calls.hpp"
#include "bench/stage.hpp"
#include "bench/waiting.hpp"
#include "runtime/base/ids.hpp"
#include "tocsin/content/v1/content.pb.h"

#include "services.inc"

#include <array>

namespace tocsin::bench {

#define TOCSIN_NAME(service) #service,
inline constexpr auto services = std::to_array<const char*>({TOCSIN_SERVICES(TOCSIN_NAME)});
#undef TOCSIN_NAME

// Starts tocsin-all and waits until every service serves. The ports hold the gateway's as
// `gateway`; its address is that of the public feed.
Running start_all(Stage& stage);
// Seals what publishing finds as its channels' credentials: an object with an entry for each name.
void store_credentials(const Stage& stage, const std::string& entries);
// An entry for a webhook of this agency.
std::string webhook_credential(const Stage& stage, const std::string& realm,
                               const std::string& agency, const std::string& origin);
// Roster, a policy that asks for one approval, and the public feed as a channel.
void set_up(const Stage& stage, const Running& all);
// Messages of this severity need one approval of the admin's agency.
void set_policy(const Running& all, const std::string& admin, content::v1::Severity severity);
// Makes the public feed a channel of the admin's agency; the position of that in publishing.
std::string put_feed(const Running& all, const std::string& admin);
// Returns once drafting has read as far.
void await_in_drafting(const Running& all, const std::string& token, const std::string& position);
// Opens an incident; its id.
std::string open_incident(const Stage& stage, const Running& all);

// Makes a change until the service knows the roster.
template <class Stub, class Request, class Response>
Response change(Stub& stub,
                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const std::string& token, Request request) {
    Response response;
    grpc::Status status;
    wait_until(std::chrono::seconds(10), [&] {
        request.set_request_id(runtime::new_uuid_v7());
        grpc::ClientContext context;
        prepare(context, "Bearer " + token);
        status = (stub.*method)(&context, request, &response);
        return status.error_code() != grpc::StatusCode::PERMISSION_DENIED;
    });
    expect_ok(status, Request::descriptor()->name());
    return response;
}

}  // namespace tocsin::bench
