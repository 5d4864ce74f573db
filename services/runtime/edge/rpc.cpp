#include "runtime/edge/rpc.hpp"

#include "runtime/host/clock.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/traceparent.hpp"
#include "runtime/base/validate.hpp"
#include "runtime/edge/method_rules.hpp"
#include "runtime/edge/received.hpp"
#include "runtime/edge/service_named.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/refusals.hpp"
#include "tocsin/ledger/v1/change.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>

namespace tocsin::runtime {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using std::chrono::milliseconds;

Rpc::Rpc(std::string service, Ledger& ledger, TokenVerifier& verifier, const RoleConfirmer& roster,
         Limits limits)
    : service_(std::move(service)),
      ledger_(ledger),
      verifier_(verifier),
      roster_(roster),
      limits_(limits) {
    if (const auto* described = service_named(service_)) check_rules(*described);
}

static std::string metadata(const grpc::ServerContextBase& context, const char* key) {
    const auto found = context.client_metadata().find(key);
    return found == context.client_metadata().end()
               ? std::string{}
               : std::string(found->second.data(), found->second.size());
}

// A caller that sets no deadline gets the default; nobody may wait longer than the maximum.
milliseconds Rpc::time_left(const grpc::ServerContextBase& context) const {
    const auto deadline = context.deadline();
    const auto now = std::chrono::system_clock::now();
    if (deadline > now + std::chrono::hours(24)) return limits_.deadline_default;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - now);
    return std::clamp(left, milliseconds(0), limits_.deadline_max);
}

// A little is kept back, so that the answer still arrives: over a network, or where this machine is
// busy, more than a millisecond.
static milliseconds wait_for(milliseconds left) {
    return left - std::clamp(left / 20, milliseconds(25), milliseconds(250));
}

Rpc::Reactor* Rpc::end(Context* context, grpc::Status why) {
    Reactor* reactor = context->DefaultReactor();
    reactor->Finish(std::move(why));
    return reactor;
}

static grpc::Status bad_request(const std::vector<FieldViolation>& wrong) {
    const std::string text = fmt::format("{}: {}", wrong.front().field, wrong.front().description);
    return edge_status("invalid_argument", text, wrong);
}

// It could never be recorded, however often it is asked. Fields that this version does not know
// have no name.
static grpc::Status too_large(std::size_t bytes, std::size_t bytes_max) {
    return edge_status(
        "command_too_large",
        fmt::format("the request has {} bytes, and may have {}; shorten it", bytes, bytes_max));
}

static grpc::Status too_large(const Message& request, std::size_t bytes, std::size_t bytes_max) {
    const LargestField largest = largest_field(request);
    if (largest.path.empty()) return too_large(bytes, bytes_max);
    const std::string text = fmt::format(
        "the request has {} bytes as it is recorded, and may have {}; {} takes {} of "
        "them: shorten it",
        bytes, bytes_max, largest.path, largest.bytes);
    return edge_status("command_too_large", text, {{largest.path, text}});
}

// No field rule can be broken by what is too long in fields that are not known.
std::optional<grpc::Status> Rpc::require_well_formed(const Message& request) const {
    if (auto wrong = violations(request); !wrong.empty()) return bad_request(wrong);
    if (const std::size_t bytes = request.ByteSizeLong(); bytes > limits_.command_bytes_max)
        return too_large(request, bytes, limits_.command_bytes_max);
    return std::nullopt;
}

std::expected<Caller, grpc::Status> Rpc::caller_of(const grpc::ServerContextBase& context) const {
    auto caller = verifier_.verify(metadata(context, "authorization"), system_now());
    if (!caller) return std::unexpected(edge_status(caller.error()));
    return std::move(*caller);
}

// A no that rests on half a history would be taken for the answer.
static grpc::Status not_folded(std::string_view why) {
    return edge_status("unavailable", fmt::format("{}; repeat exactly the same request", why));
}

// Asked before the roles, which rest on what is folded: half a roster refuses nobody.
std::optional<grpc::Status> Rpc::require_readable(const Caller& caller) const {
    if (caller.realm.empty() || ledger_.readable(caller.realm)) return std::nullopt;
    return not_folded(ledger_.why_not(caller.realm));
}

// By the roles that the roster confirmed.
static std::optional<grpc::Status> require_role_for(const Caller& caller,
                                                    const google::protobuf::Descriptor& request) {
    const auto& roles = method_rules(request).roles();
    if (roles.empty()) return std::nullopt;
    const auto no = require_role(caller, roles);
    return no ? std::optional{status_of(*no)} : std::nullopt;
}

std::expected<Caller, grpc::Status> Rpc::authenticate(const grpc::ServerContextBase& context,
                                                      const grpc::ByteBuffer& bytes,
                                                      Message& request) const {
    auto caller = open(context, bytes, read_bytes_max, request);
    return caller ? admit(std::move(*caller), request) : std::move(caller);
}

std::expected<Caller, grpc::Status> Rpc::admit(Caller caller, const Message& request) const {
    if (auto wrong = require_well_formed(request)) return std::unexpected(std::move(*wrong));
    if (auto why = require_readable(caller)) return std::unexpected(std::move(*why));
    auto confirmed = confirm(std::move(caller));
    if (!confirmed) return confirmed;
    if (auto why = require_role_for(*confirmed, *request.GetDescriptor()))
        return std::unexpected(std::move(*why));
    return confirmed;
}

std::expected<Caller, grpc::Status> Rpc::confirm(Caller caller) const {
    if (caller.realm.empty())
        return std::unexpected(
            edge_status("role_missing",
                        "the token is an operator's and names no realm; send the token of a person "
                        "of the realm"));
    caller.claimed = caller.roles;
    caller.roles = roster_.confirmed(caller);
    if (caller.roles.empty())
        return std::unexpected(
            edge_status("role_missing",
                        "the realm's roster gives you none of the roles that your token names; an "
                        "admin of your agency can import one that does"));
    return caller;
}

std::optional<grpc::Status> Rpc::must_end(const Caller& caller) const {
    if (caller.expires_at && system_now() > *caller.expires_at) return edge_status("token_expired");
    if (auto why = require_readable(caller)) return why;
    Caller anew = caller;
    anew.roles = caller.claimed;
    const auto confirmed = confirm(std::move(anew));
    if (!confirmed) return confirmed.error();
    if (confirmed->roles != caller.roles) return edge_status("roles_changed");
    return std::nullopt;
}

std::expected<Caller, grpc::Status> Rpc::authenticate_operator(
    const grpc::ServerContextBase& context, const grpc::ByteBuffer& bytes, Message& request) const {
    auto caller = caller_of(context);
    if (!caller) return caller;
    if (!caller->has(operator_role))
        return std::unexpected(edge_status(
            "role_missing",
            "this needs the role `operator`, from the token alone; ask the people who run "
            "the installation"));
    if (auto wrong = take(bytes, read_bytes_max, request))
        return std::unexpected(std::move(*wrong));
    if (auto wrong = require_well_formed(request)) return std::unexpected(std::move(*wrong));
    return caller;
}

void Rpc::tidy(Message& request) const {
    if (request.ByteSizeLong() <= limits_.command_bytes_max) texts::tidy_texts(request);
}

const FieldDescriptor& Rpc::body_field(const google::protobuf::Descriptor& command,
                                       const google::protobuf::Descriptor& request) {
    const auto* body = command.FindOneofByName("body");
    for (int i = 0; body != nullptr && i < body->field_count(); ++i)
        if (body->field(i)->message_type() == &request) return *body->field(i);
    throw std::logic_error(
        fmt::format("{} has no field for {}", command.full_name(), request.full_name()));
}

std::optional<grpc::Status> Rpc::take(const grpc::ByteBuffer& bytes, std::size_t bytes_max,
                                      Message& request) {
    std::optional<grpc::Status> wrong;
    if (bytes.Length() > bytes_max)
        wrong = too_large(bytes.Length(), bytes_max);
    else if (const std::string why = parse(bytes, request); !why.empty())
        wrong = edge_status("invalid_argument", why);
    // Until the call is answered gRPC would keep them, and count them as memory of calls under way.
    const_cast<grpc::ByteBuffer&>(bytes).Clear();
    return wrong;
}

std::expected<Caller, grpc::Status> Rpc::open(const grpc::ServerContextBase& context,
                                              const grpc::ByteBuffer& bytes, std::size_t bytes_max,
                                              Message& request) const {
    auto caller = caller_of(context);
    if (!caller) {
        const_cast<grpc::ByteBuffer&>(bytes).Clear();
        return caller;
    }
    if (auto wrong = take(bytes, bytes_max, request)) return std::unexpected(std::move(*wrong));
    tidy(request);
    return caller;
}

grpc::Status Rpc::serialized(const Message& answer, grpc::ByteBuffer& response) {
    bool own_buffer = false;
    return grpc::SerializationTraits<Message>::Serialize(answer, &response, &own_buffer);
}

static std::string text_field(const Message& message, const char* name) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    return field == nullptr ? std::string{} : message.GetReflection()->GetString(message, field);
}

// Until when the request may be decided. Every retry must arrive at the same instant, so where the
// caller fixed none it follows from the time inside the request id.
static std::expected<Time, FieldViolation> expiry(const Message& request,
                                                  const std::string& request_id, Time now) {
    const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("expires_at");
    const auto& reflection = *request.GetReflection();
    Time expires_at;
    if (field != nullptr && reflection.HasField(request, field)) {
        google::protobuf::Timestamp stamp;
        stamp.CopyFrom(reflection.GetMessage(request, field));
        expires_at = from_proto(stamp);
    } else if (const auto made_at = uuid_v7_time(request_id)) {
        expires_at = *made_at + std::chrono::hours(1);
    } else {
        return std::unexpected(FieldViolation{
            "expires_at", "set it, and keep it in every retry, unless request_id is a UUIDv7"});
    }
    if (expires_at > now + std::chrono::hours(24))
        return std::unexpected(
            FieldViolation{"expires_at", "must be at most 24 h ahead of the first attempt"});
    return expires_at;
}

static std::string traceparent(const grpc::ServerContextBase& context) {
    std::string given = metadata(context, "traceparent");
    return valid_traceparent(given) ? given : new_traceparent();
}

static grpc::Status refusal(const Answer& answer) {
    if (answer.kind == Answer::Kind::unavailable)
        return edge_status("unavailable", answer.rejection.text);
    // What was refused without a decision has none.
    std::map<std::string, std::string> where;
    if (answer.position.offset >= 0) where["position"] = answer.position.text();
    return status_of(answer.rejection, where);
}

void Rpc::note_answer(const std::string& request, const Answer& answer,
                      const std::string& trace) const {
    const bool accepted = answer.kind == Answer::Kind::accepted;
    const bool decided = answer.kind != Answer::Kind::unavailable;
    logs::debug("change answered", {{"service", service_},
                                    {"request", request},
                                    {"code", accepted  ? "ok"
                                             : decided ? answer.rejection.code
                                                       : "unavailable"},
                                    {"position", decided ? answer.position.text() : ""},
                                    {"trace_id", trace}});
}

struct Rpc::Changing {
    Reactor* reactor = nullptr;
    const Change* change = nullptr;
    grpc::ByteBuffer* response = nullptr;
    std::unique_ptr<Message> command;
    const Message* request = nullptr;  // in the command
    Caller caller;
    Submission submission;
    milliseconds wait{0};  // for the decision
    std::chrono::steady_clock::time_point since;
    milliseconds left{0};  // since then, until the caller's deadline

    std::optional<grpc::Status> refused() const {
        return change->check ? change->check({caller, since, left}, *request) : std::nullopt;
    }
};

// A deadline that is far off, or none.
static milliseconds until(std::chrono::system_clock::time_point deadline) {
    const auto left = deadline - std::chrono::system_clock::now();
    return std::chrono::ceil<milliseconds>(
        std::min<std::chrono::system_clock::duration>(left, std::chrono::hours{1}));
}

Rpc::Reactor* Rpc::change(Context* context, const Change& change, const grpc::ByteBuffer& bytes,
                          grpc::ByteBuffer& response) {
    auto changing = std::make_shared<Changing>();
    changing->change = &change;
    changing->response = &response;
    changing->command.reset(change.command->New());
    Message& request =
        *changing->command->GetReflection()->MutableMessage(changing->command.get(), change.body);
    changing->request = &request;
    auto caller = open(*context, bytes, received_bytes_max, request);
    // What else keeps the ledger from taking it, submit() knows.
    if (caller) caller = admit(std::move(*caller), request);
    if (!caller) return end(context, caller.error());
    changing->caller = *caller;
    changing->wait = std::max(wait_for(time_left(*context)), milliseconds(1));
    changing->since = std::chrono::steady_clock::now();
    changing->left = until(context->deadline());
    Submission& submission = changing->submission;
    submission.sent_at = system_now();
    const std::string request_id = text_field(request, "request_id");
    const auto expires_at = expiry(request, request_id, submission.sent_at);
    submission.asking = {caller->realm, caller->actor, caller->agency, caller->roles, request_id};
    submission.traceparent = traceparent(*context);
    submission.body = stable_bytes(*changing->command);
    if (expires_at) submission.expires_at = *expires_at;
    if (const std::size_t size = command_size(submission); size > limits_.command_bytes_max)
        return end(context, too_large(request, size, limits_.command_bytes_max));
    if (!expires_at) {
        auto refused = changing->refused();
        return end(context, refused ? std::move(*refused) : bad_request({expires_at.error()}));
    }
    changing->reactor = context->DefaultReactor();
    Reactor* reactor = changing->reactor;
    submit_once_it_may(std::move(changing));
    return reactor;
}

// What it refers to may be on its way here: it looks again whenever a moment has passed.
void Rpc::submit_once_it_may(std::shared_ptr<Changing> changing) {
    auto refused = changing->refused();
    if (!refused) return submit(std::move(changing));
    const auto patient = std::min(changing->change->patience, changing->wait);
    if (std::chrono::steady_clock::now() >= changing->since + patient)
        return changing->reactor->Finish(std::move(*refused));
    constexpr milliseconds moment{50};
    const Position never{service_, 0, std::numeric_limits<std::int64_t>::max()};
    const Ledger::Reader reader{changing->caller.realm, changing->caller.actor,
                                changing->submission.body.size()};
    ledger_.await(reader, {never}, moment,
                  [this, changing, refused = std::move(*refused)](Ledger::Awaited how) mutable {
                      if (how == Ledger::Awaited::not_yet)
                          return submit_once_it_may(std::move(changing));
                      changing->reactor->Finish(std::move(refused));
                  });
}

static grpc::ByteBuffer answered(const Answer& answer) {
    ledger::v1::ChangeResponse response;
    response.set_id(answer.subject);
    response.set_etag(answer.etag);
    response.set_position(answer.position.text());
    const grpc::Slice bytes(response.SerializeAsString());
    return {&bytes, 1};
}

void Rpc::submit(std::shared_ptr<Changing> changing) {
    std::string trace = logs::trace_id(changing->submission.traceparent);
    const milliseconds wait = changing->wait;
    Submission submission = std::move(changing->submission);
    ledger_.submit(
        std::move(submission), wait,
        [this, changing = std::move(changing), trace = std::move(trace)](const Answer& answer) {
            if (logs::debugging()) note_answer(changing->request->GetTypeName(), answer, trace);
            if (answer.kind != Answer::Kind::accepted)
                return changing->reactor->Finish(refusal(answer));
            *changing->response = answered(answer);
            changing->reactor->Finish(grpc::Status::OK);
        });
}

Rpc::ReadCall Rpc::guarded(ReadCall call) const {
    return [this, call = std::move(call)](const Caller& caller) {
        try {
            return call(caller);
        } catch (const std::exception& error) {
            logs::error("a read failed", {{"service", service_}, {"why", error.what()}});
            return edge_status("internal");
        }
    };
}

// A read from when it is well formed until its caller has the answer. A caller who goes away gives
// its places back at once. gRPC calls OnCancel() only after the method has returned, and OnDone(),
// once, after both that and Finish(): so `waits` is known, and this lives, whichever comes first.
class Rpc::PendingRead final : public grpc::ServerUnaryReactor {
public:
    explicit PendingRead(Ledger& ledger) : ledger_(ledger) {}
    void OnCancel() override {
        gone = true;
        ledger_.give_up(waits);
    }
    void OnDone() override { delete this; }

    std::uint64_t waits = 0;  // for positions
    std::atomic<bool> gone = false;
    CallSlots::Slot slot;

private:
    Ledger& ledger_;
};

Rpc::Reactor* Rpc::read(Context* context, std::expected<Caller, grpc::Status> caller,
                        const Message& request, Apart* apart, ReadCall call) {
    if (!caller) return end(context, caller.error());
    if (auto wrong = require_well_formed(request)) return end(context, std::move(*wrong));
    if (auto why = require_readable(*caller)) return end(context, std::move(*why));
    const std::size_t bytes = request.ByteSizeLong();
    // What is waited for may be the roster that names the caller.
    const auto answer = [this, method = request.GetDescriptor(), call = guarded(std::move(call)),
                         who = *caller, apart, bytes](PendingRead& read) {
        const auto caller_now = confirm(who);
        if (!caller_now) return read.Finish(caller_now.error());
        if (auto why = require_role_for(*caller_now, *method)) return read.Finish(std::move(*why));
        if (apart != nullptr) return answer_apart(*apart, read, *caller_now, call, bytes);
        read.Finish(call(*caller_now));
    };
    return after_positions(context, {caller->realm, caller->actor, bytes}, answer);
}

void Rpc::answer_apart(Apart& apart, PendingRead& read, const Caller& caller, const ReadCall& call,
                       std::size_t bytes) {
    // Until the caller has the answer, or is gone: who does not read it has no room for another.
    read.slot = apart.slots.take(caller.realm, caller.actor, bytes);
    if (!read.slot)
        return read.Finish(edge_status(
            "unavailable",
            "too many reads that take long are waiting, in all, of your realm or of you; repeat "
            "exactly the same request"));
    // A task that is dropped ends its read as well: the server waits for all of them.
    const auto drop = [](PendingRead* left) {
        left->Finish(
            edge_status("stopping", "this instance stops; repeat exactly the same request"));
    };
    std::unique_ptr<PendingRead, decltype(drop)> pending(&read, drop);
    std::move_only_function<void()> task = [pending = std::move(pending), caller, call]() mutable {
        PendingRead& taken = *pending.release();
        taken.Finish(taken.gone ? grpc::Status::CANCELLED : call(caller));
    };
    // The slots bound what waits.
    apart.thread.run(caller.realm, bytes, task);
}

Rpc::Reactor* Rpc::read_public(Context* context, const Message& request, const ReadCall& call) {
    if (auto wrong = require_well_formed(request)) return end(context, std::move(*wrong));
    // What anybody may ask must not wait: a call that waits takes up room.
    if (!metadata(*context, "tocsin-after").empty())
        return end(context, bad_request({{"tocsin-after",
                                          "a public read waits for no position: leave it out "
                                          "and ask again"}}));
    // What went wrong here is not for everybody.
    if (!ledger_.readable(text_field(request, "realm")))
        return end(context, not_folded("history is still being folded, or an operator is needed"));
    tell_age(context);
    return end(context, guarded(call)(Caller{}));
}

void Rpc::tell_age(Context* context) const {
    if (const double stale = ledger_.stale_seconds(); stale > 0)
        context->AddInitialMetadata("tocsin-stale-seconds", fmt::format("{:.1f}", stale));
}

// All that was sent under that key, as one list.
static std::string joined_metadata(const grpc::ServerContextBase& context, const char* key) {
    std::string joined;
    const auto [begin, end] = context.client_metadata().equal_range(key);
    for (auto sent = begin; sent != end; ++sent)
        joined.append(joined.empty() ? "" : ",").append(sent->second.data(), sent->second.size());
    return joined;
}

static std::string_view without_blanks(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

// The positions in `tocsin-after`, or why they cannot be waited for.
static std::expected<std::vector<Position>, FieldViolation> positions_of(const std::string& after,
                                                                         const Ledger& ledger) {
    std::vector<Position> positions;
    for (std::size_t begin = 0; begin <= after.size();) {
        const std::size_t end = std::min(after.find(',', begin), after.size());
        auto position =
            Position::parse(without_blanks(std::string_view(after).substr(begin, end - begin)));
        if (!position || positions.size() >= 16)
            return std::unexpected(FieldViolation{
                "tocsin-after", "expected up to 16 service/partition/offset, separated by commas"});
        if (!ledger.follows(*position))
            return std::unexpected(FieldViolation{
                "tocsin-after", fmt::format("this service never reaches {}: it follows no such "
                                            "ledger",
                                            position->text())});
        positions.push_back(std::move(*position));
        begin = end + 1;
    }
    return positions;
}

Rpc::Reactor* Rpc::after_positions(Context* context, const Ledger::Reader& reader,
                                   std::function<void(PendingRead&)> answer) {
    tell_age(context);
    auto* read = new PendingRead(ledger_);
    const std::string after = joined_metadata(*context, "tocsin-after");
    if (after.empty()) {
        answer(*read);
        return read;
    }
    auto positions = positions_of(after, ledger_);
    if (!positions) {
        read->Finish(bad_request({positions.error()}));
        return read;
    }
    const auto ended = [this, read, realm = reader.realm,
                        answer = std::move(answer)](Ledger::Awaited how) {
        switch (how) {
            case Ledger::Awaited::reached:  // Views may have started over meanwhile.
                return ledger_.readable(realm) ? answer(*read)
                                               : read->Finish(not_folded(ledger_.why_not(realm)));
            case Ledger::Awaited::not_yet:
                return read->Finish(edge_status("not_yet"));
            case Ledger::Awaited::too_many:
                return read->Finish(edge_status(
                    "unavailable", "too many reads are waiting; repeat exactly the same request"));
            case Ledger::Awaited::given_up:
                return read->Finish(grpc::Status::CANCELLED);
        }
    };
    read->waits =
        ledger_.await(reader, std::move(*positions), wait_for(time_left(*context)), ended);
    return read;
}

grpc::Status status_of(const Rejection& no, const std::map<std::string, std::string>& metadata) {
    std::vector<FieldViolation> fields;
    if (!no.field.empty()) fields.push_back({no.field, no.text});
    return status(static_cast<grpc::StatusCode>(no.because), no.code, no.text, fields, {},
                  metadata);
}

}  // namespace tocsin::runtime
