// The life of one message, call by call.
#pragma once

#include "bench/stage.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <chrono>
#include <string>

namespace tocsin::bench {

// The whole sample message as of now, without agencies.
content::v1::Draft make_draft();
// Creates it and submits it with all warnings acknowledged; as it is then.
drafting::v1::Message submit(const Running& all, const std::string& token,
                             const std::string& incident, const content::v1::Draft& draft);
drafting::v1::Message read_message(const Running& all, const std::string& token,
                                   const std::string& message_id);
// Approves it for the agency of the token. When the call was made that did.
runtime::Time approve(const Running& all, const std::string& token,
                      const drafting::v1::Message& message);
// Its release, once that is in `state`; throws when it is not within `most`.
publishing::v1::Release await_release(const Running& all, const std::string& token,
                                      const std::string& message_id,
                                      publishing::v1::ReleaseState state,
                                      std::chrono::milliseconds most);

}  // namespace tocsin::bench
