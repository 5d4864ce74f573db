// The edge of every service: who calls, whether the request is well formed, whether the roster
// confirms the role; then a command into the ledger, or a read from a view. Methods of a service
// are one line each on top of this.
#pragma once

#include "runtime/base/call_slots.hpp"
#include "runtime/base/shared_bytes.hpp"
#include "runtime/edge/errors.hpp"
#include "runtime/edge/identity.hpp"
#include "runtime/edge/received.hpp"
#include "runtime/host/reading_thread.hpp"
#include "runtime/ledger/decider.hpp"
#include "runtime/ledger/ledger.hpp"
#include "texts/text_fields.hpp"

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin::runtime {

// Confirms roles by the realm's roster. Implemented by roster.hpp from approval's ledger.
class RoleConfirmer {
public:
    virtual ~RoleConfirmer() = default;
    // The roles of the caller that the roster confirms. While a realm has no roster yet, the role
    // admin is taken from the token alone, so that one can be imported.
    virtual std::vector<std::string> confirmed(const Caller& caller) const = 0;
};

class Rpc {
public:
    struct Limits {
        std::chrono::milliseconds deadline_default{5000};
        std::chrono::milliseconds deadline_max{30000};
        std::size_t command_bytes_max = 900'000;  // of a command as it is recorded
    };
    using Reactor = grpc::ServerUnaryReactor;
    using Context = grpc::CallbackServerContext;

    // Throws std::logic_error where a method of the service does not say who may call it.
    Rpc(std::string service, Ledger& ledger, TokenVerifier& verifier, const RoleConfirmer& roster,
        Limits limits);

    // What a check may look at besides the request.
    struct Asked {
        const Caller& caller;
        std::chrono::steady_clock::time_point since;  // the call came in
        std::chrono::milliseconds left;               // then, until the caller's deadline
    };
    // Why a change is refused by what only this process knows, such as its files; nothing: it is
    // not. For a caller who has one of the roles; of the request with tidy texts.
    using Check =
        std::function<std::optional<grpc::Status>(const Asked&, const google::protobuf::Message&)>;

    // What a change refers to in another service's ledger may have been written a moment ago, and
    // not be read here yet: a check that refuses is asked again for so long before its word counts.
    static constexpr std::chrono::milliseconds patience{2000};

    // A method that changes something. Who may call it is said beside it in its proto;
    // edge/edge.hpp makes one of each.
    struct Change {
        const google::protobuf::MethodDescriptor* method;
        const google::protobuf::Message* command;       // the service's
        const google::protobuf::FieldDescriptor* body;  // of it, for the method's request
        Check check;
        // For so long a check that refuses is asked again before its word counts.
        std::chrono::milliseconds patience{0};
    };
    // The field of a command for that request. Throws std::logic_error where there is none.
    static const google::protobuf::FieldDescriptor& body_field(
        const google::protobuf::Descriptor& command, const google::protobuf::Descriptor& request);

    // The request becomes a command; what was decided is the answer, a ledger.v1.ChangeResponse.
    // Here and in `read`, texts are made tidy before anything looks at them
    // (texts/text_fields.hpp). `change` and `response` outlive the call.
    Reactor* change(Context* context, const Change& change, const grpc::ByteBuffer& request,
                    grpc::ByteBuffer& response);

    // Where reads go that take long. Realms take turns; of each, of one caller and in all, no more
    // wait than have a slot. Its thread is stopped before the server is: what waits then ends as
    // `stopping`.
    struct Apart {
        ReadingThread thread;
        CallSlots slots;
    };

    // A call that reads, for callers who have one of the method's roles. `reader(const Caller&,
    // const Request&, Response&)` returns a grpc::Status. It runs on the calling thread and must
    // not block; or, where `apart` is given, on a thread of its own, so that neither the threads
    // that serve all calls nor the ledger's wait for it: for a caller who went away meanwhile it
    // does not begin, and only there a request may be long. Which agency the caller is of is the
    // reader's to look at. `reader` and `response` outlive the call.
    template <class Request, class Response, class Reader>
    Reactor* read(Context* context, const grpc::ByteBuffer& bytes, grpc::ByteBuffer& response,
                  const Reader& reader, Apart* apart = nullptr) {
        const auto asked = std::make_shared<Request>();
        auto caller = open(*context, bytes, apart ? received_bytes_max : read_bytes_max, *asked);
        return read(context, std::move(caller), *asked, apart,
                    [asked, &response, &reader](const Caller& sender) {
                        Response answer;
                        const grpc::Status status = reader(sender, std::as_const(*asked), answer);
                        return status.ok() ? serialized(answer, response) : status;
                    });
    }

    // A read that needs no token, hence waits for no position. `reader(const Request&, Response&)`.
    template <class Request, class Response, class Reader>
    Reactor* read_public(Context* context, const grpc::ByteBuffer& bytes,
                         grpc::ByteBuffer& response, const Reader& reader) {
        Request asked;
        if (auto wrong = take(bytes, read_bytes_max, asked)) return end(context, std::move(*wrong));
        return read_public(context, asked, [&](const Caller&) {
            Response answer;
            const grpc::Status status = reader(std::as_const(asked), answer);
            return status.ok() ? serialized(answer, response) : status;
        });
    }

    // Whether the views of a realm can be read; streams ask, the calls above do so themselves.
    bool readable(const std::string& realm) const { return ledger_.readable(realm); }

    // The caller of a stream, with the roles that the roster confirms, or why not; `request` is
    // then what its bytes say.
    std::expected<Caller, grpc::Status> authenticate(const grpc::ServerContextBase& context,
                                                     const grpc::ByteBuffer& bytes,
                                                     google::protobuf::Message& request) const;

    // Why a stream of that caller must not go on: the token has ended, or the roster gives other
    // roles than when it began. Nothing: it may.
    std::optional<grpc::Status> must_end(const Caller& caller) const;

    // An operator of the installation, by the token alone, or why not; nobody else hears what is
    // wrong with the request. Needs nothing of the ledger.
    std::expected<Caller, grpc::Status> authenticate_operator(
        const grpc::ServerContextBase& context, const grpc::ByteBuffer& bytes,
        google::protobuf::Message& request) const;

    // Bytes of a request that reads: its ids and filters.
    static constexpr std::size_t read_bytes_max = std::size_t{64} << 10;

    // A call that ends at once.
    static Reactor* end(Context* context, grpc::Status why);
    // What a method answers, as the bytes that are sent.
    static grpc::Status serialized(const google::protobuf::Message& answer,
                                   grpc::ByteBuffer& response);

private:
    class PendingRead;
    using ReadCall = std::function<grpc::Status(const Caller&)>;

    // Why nothing can be said of the caller's realm yet, roles included.
    std::optional<grpc::Status> require_readable(const Caller& caller) const;
    // With the roles that the realm's roster confirms.
    std::expected<Caller, grpc::Status> confirm(Caller caller) const;
    // What is wrong with a request, for any caller.
    std::optional<grpc::Status> require_well_formed(const google::protobuf::Message& request) const;
    // By the token; the roles are the token's.
    std::expected<Caller, grpc::Status> caller_of(const grpc::ServerContextBase& context) const;
    // The same of a call as it came, whose request is then parsed and made tidy; or why it cannot
    // be, which only who has a token hears.
    std::expected<Caller, grpc::Status> open(const grpc::ServerContextBase& context,
                                             const grpc::ByteBuffer& bytes, std::size_t bytes_max,
                                             google::protobuf::Message& request) const;
    // Why the bytes are no request; they are let go in any case.
    static std::optional<grpc::Status> take(const grpc::ByteBuffer& bytes, std::size_t bytes_max,
                                            google::protobuf::Message& request);
    // Who may make that request, with the roles that the roster confirms.
    std::expected<Caller, grpc::Status> admit(Caller caller,
                                              const google::protobuf::Message& request) const;
    // Unless it is too large, and refused for that: nobody's token was looked at yet.
    void tidy(google::protobuf::Message& request) const;
    // A change that waits for what it refers to, or is on its way to the ledger.
    struct Changing;
    void submit(std::shared_ptr<Changing> changing);
    void submit_once_it_may(std::shared_ptr<Changing> changing);
    // Ends a read that throws, which is its caller's alone, and logs why.
    ReadCall guarded(ReadCall call) const;
    // `apart` null: on the thread that finds it ready.
    Reactor* read(Context* context, std::expected<Caller, grpc::Status> caller,
                  const google::protobuf::Message& request, Apart* apart, ReadCall call);
    // Has `call` answer the read on the other thread, or refuses it.
    static void answer_apart(Apart& apart, PendingRead& read, const Caller& caller,
                             const ReadCall& call, std::size_t bytes);
    Reactor* read_public(Context* context, const google::protobuf::Message& request,
                         const ReadCall& call);
    void note_answer(const std::string& request, const Answer& answer,
                     const std::string& trace) const;
    // Reads go on while Kafka is away; they say how old they are.
    void tell_age(Context* context) const;
    // Runs `answer`, which ends the read now or later, once the positions in `tocsin-after` are
    // reached.
    Reactor* after_positions(Context* context, const Ledger::Reader& reader,
                             std::function<void(PendingRead&)> answer);
    std::chrono::milliseconds time_left(const grpc::ServerContextBase& context) const;

    std::string service_;
    Ledger& ledger_;
    TokenVerifier& verifier_;
    const RoleConfirmer& roster_;
    Limits limits_;
};

// A refusal in a decider's words (runtime/ledger/refusals.hpp) as the answer to a call.
grpc::Status status_of(const Rejection& no,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace tocsin::runtime
