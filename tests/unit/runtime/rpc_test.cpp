#include "runtime/edge/edge.hpp"

#include "google/rpc/error_details.pb.h"
#include "runtime/edge/jwk.hpp"
#include "runtime/edge/received.hpp"
#include "runtime/ledger/position_waits.hpp"
#include "runtime/ledger/record.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace tocsin::runtime {
namespace {

constexpr std::size_t bytes_max = 100'000;

class FakeLedger final : public Ledger {
public:
    void submit(Submission submission, std::chrono::milliseconds, Done done) override {
        sizes.push_back(command_bytes(submission, seal, keys.newest()).size());
        bodies.push_back(submission.body);
        Answer answer;
        answer.kind = Answer::Kind::accepted;
        answer.position = {"drafting", 0, 7};
        done(std::move(answer));
    }
    void append_stream(std::string_view, const std::string&, std::string,
                       std::move_only_function<void(bool)> done) override {
        done(false);
    }
    std::uint64_t await(const Reader& reader, std::vector<Position> places,
                        std::chrono::milliseconds,
                        std::move_only_function<void(Ledger::Awaited)> done) override {
        positions = places.size();
        ++awaited;
        actor = reader.actor;
        return waits.add({{0, 1}}, Tick::max(), {}, std::move(done));
    }
    void give_up(std::uint64_t read) override {
        waits.give_up(read);
        ++given_up;
    }
    void reach() {
        waits.look([](int) { return 2; }, {});
    }
    bool leads(const std::string&) const override { return true; }
    bool ready() const override { return true; }
    bool readable(const std::string& realm) const override { return realm != halted_realm; }
    std::string why_not(const std::string&) const override { return "the disk burnt"; }
    double stale_seconds() const override { return 0; }
    void post(std::move_only_function<void()> task) override { task(); }

    const WorldKeys keys{{"the world's key"}};
    const Seal seal{keys, "tocsin.drafting.commands.v1", RecordKind::command};
    std::vector<std::size_t> sizes;  // of what was submitted
    std::vector<std::string> bodies;
    std::string halted_realm;
    PositionWaits waits;
    std::size_t positions = 0;  // of the last read that waited
    std::string actor;          // of the last read that waited
    std::atomic<int> awaited{0}, given_up{0};
};

// Until something that happens on another thread is so.
bool comes_true(const std::function<bool()>& so) {
    for (int i = 0; i < 10'000 && !so(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return so();
}

class AllRoles final : public RoleConfirmer {
public:
    std::vector<std::string> confirmed(const Caller& caller) const override {
        std::vector<std::string> both;
        for (const std::string& role : caller.roles)
            if (imported && role != kept_from) both.push_back(role);
        return both;
    }
    std::string kept_from;  // the role that it does not give
    std::atomic<bool> imported = true;
};

// What the readers here look at.
struct NoView {
    struct Realm {};
    template <class Reader>
    grpc::Status read(const std::string&, const Reader& reader) const {
        return reader(Realm{});
    }
};

class Drafting final : public Edge<drafting::v1::DraftingService, drafting::v1::Command> {
public:
    explicit Drafting(Rpc& rpc) : Edge(rpc) {
        read(view,
             [](const Caller&, const NoView::Realm&, const drafting::v1::ListMessagesRequest& in,
                drafting::v1::ListMessagesResponse&) {
                 if (in.page_token() == "bad") throw std::runtime_error("cannot be read");
                 return grpc::Status::OK;
             });
        read_apart(
            apart, view,
            [this](const Caller&, const NoView::Realm&, const drafting::v1::PreviewMessageRequest&,
                   drafting::v1::PreviewMessageResponse&) {
                ++previews;
                held.wait(true);
                return grpc::Status::OK;
            });
        watch([this](Context*, const std::expected<Caller, grpc::Status>& caller,
                     const drafting::v1::WatchMessagesRequest& request)
                  -> grpc::ServerWriteReactor<drafting::v1::WatchMessagesResponse>* {
            watched = request.incident_id();
            return new EndedStream(caller ? grpc::Status::OK : caller.error());
        });
    }
    struct EndedStream final : grpc::ServerWriteReactor<drafting::v1::WatchMessagesResponse> {
        explicit EndedStream(const grpc::Status& status) { Finish(status); }
        void OnDone() override { delete this; }
    };
    void hold(bool on) {
        held = on;
        held.notify_all();
    }

    Rpc::Apart apart{.thread = {}, .slots = CallSlots({.all = 10, .realm = 5, .actor = 3})};
    std::atomic<bool> held = false;  // keeps the thread of previews
    std::atomic<int> previews = 0;
    std::string watched;  // of the last stream
    const NoView view{};
};

class Publishing final : public Edge<publishing::v1::PublishingService, publishing::v1::Command> {
public:
    explicit Publishing(Rpc& rpc) : Edge(rpc) {
        read_public([](const publishing::v1::GetFeedRequest&, publishing::v1::GetFeedResponse&) {
            return grpc::Status::OK;
        });
    }
};

class RpcTest : public ::testing::Test {
protected:
    RpcTest() {
        grpc::ServerBuilder builder;
        builder.RegisterService(&drafting_);
        builder.RegisterService(&publishing_);
        bound_received(builder);
        server_ = builder.BuildAndStart();
        const auto channel = server_->InProcessChannel({});
        raw = std::make_unique<grpc::GenericStub>(channel);
        drafting = drafting::v1::DraftingService::NewStub(channel);
        publishing = publishing::v1::PublishingService::NewStub(channel);
    }
    ~RpcTest() override {
        drafting_.hold(false);  // or the server would wait for ever for what a failed test left
        std::filesystem::remove(jwks_);
    }

    std::string token(const std::string& realm, const std::vector<std::string>& roles,
                      const std::string& who = "ana@city.example") const {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
        nlohmann::json claims{{"iss", "i"},     {"aud", "a"}, {"sub", who},
                              {"roles", roles}, {"iat", now}, {"exp", now + 600}};
        if (!realm.empty()) claims.update({{"realm", realm}, {"agency", "city"}});
        return "Bearer " + issue_token(pem_, claims.dump());
    }
    google::rpc::Status put(const drafting::v1::PutTemplateRequest& request,
                            const std::string& bearer) {
        grpc::ClientContext context;
        context.AddMetadata("authorization", bearer);
        ledger::v1::ChangeResponse response;
        return unpack(drafting->PutTemplate(&context, request, &response));
    }
    // Any bytes for a request of that method.
    google::rpc::Status send(const std::string& method, const std::string& bytes,
                             const std::string& bearer) {
        grpc::ClientContext context;
        if (!bearer.empty()) context.AddMetadata("authorization", bearer);
        grpc::CompletionQueue queue;
        const grpc::Slice slice(bytes);
        const auto call = raw->PrepareUnaryCall(&context, "/tocsin." + method, {&slice, 1}, &queue);
        grpc::ByteBuffer response;
        grpc::Status status;
        call->StartCall();
        call->Finish(&response, &status, this);
        void* tag = nullptr;
        bool ok = false;
        EXPECT_TRUE(queue.Next(&tag, &ok));
        return unpack(status);
    }
    google::rpc::Status put_bytes(const std::string& bytes, const std::string& bearer) {
        return send("drafting.v1.DraftingService/PutTemplate", bytes, bearer);
    }
    google::rpc::Status list(const std::string& bearer) {
        grpc::ClientContext context;
        context.AddMetadata("authorization", bearer);
        drafting::v1::ListMessagesResponse response;
        return unpack(drafting->ListMessages(&context, {}, &response));
    }
    // A read that waits for a position, and its end.
    struct WaitingCall {
        grpc::ClientContext context;
        drafting::v1::ListMessagesRequest request;
        drafting::v1::ListMessagesResponse response;
        std::atomic<int> ends{0};
        grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
    };
    std::unique_ptr<WaitingCall> list_after(const std::string& page_token = "") {
        auto call = std::make_unique<WaitingCall>();
        call->request.set_page_token(page_token);
        call->context.AddMetadata("authorization", token("calgary", {"author"}));
        call->context.AddMetadata("tocsin-after", "drafting/0/1");
        drafting->async()->ListMessages(&call->context, &call->request, &call->response,
                                        [here = call.get()](const grpc::Status& status) {
                                            here->code = status.error_code();
                                            ++here->ends;
                                        });
        return call;
    }
    struct PreviewCall {
        grpc::ClientContext context;
        drafting::v1::PreviewMessageRequest request;
        drafting::v1::PreviewMessageResponse response;
        std::atomic<bool> ended = false;
        grpc::Status status;
    };
    std::unique_ptr<PreviewCall> preview(const std::string& bearer, const std::string& after = "") {
        auto call = std::make_unique<PreviewCall>();
        call->request.mutable_draft();
        call->context.AddMetadata("authorization", bearer);
        if (!after.empty()) call->context.AddMetadata("tocsin-after", after);
        drafting->async()->PreviewMessage(&call->context, &call->request, &call->response,
                                          [here = call.get()](const grpc::Status& status) {
                                              here->status = status;
                                              here->ended = true;
                                          });
        return call;
    }
    google::rpc::Status feed(const std::string& realm, const std::string& after = "") {
        grpc::ClientContext context;
        if (!after.empty()) context.AddMetadata("tocsin-after", after);
        publishing::v1::GetFeedRequest request;
        request.set_realm(realm);
        publishing::v1::GetFeedResponse response;
        return unpack(publishing->GetFeed(&context, request, &response));
    }
    drafting::v1::PutTemplateRequest draft_of(std::size_t polygon_bytes) const {
        drafting::v1::PutTemplateRequest request;
        request.set_request_id("019a0000-0000-7000-8000-000000000001");
        *request.mutable_expires_at() = to_proto(std::chrono::floor<std::chrono::microseconds>(
            std::chrono::system_clock::now() + std::chrono::minutes(5)));
        request.set_template_id("flood");
        request.set_expires_after_seconds(3600);
        request.mutable_draft()->set_title("Bow in flood");
        auto& area = *request.mutable_draft()->add_areas();  // the rest of a draft may be missing
        while (polygon_bytes > 0) {
            const auto some = std::min<std::size_t>(polygon_bytes, 10'000);
            area.add_polygons(std::string(some, '1'));
            polygon_bytes -= some;
        }
        return request;
    }
    template <class Detail>
    static Detail detail_of(const google::rpc::Status& status) {
        Detail detail;
        for (const auto& any : status.details())
            if (any.UnpackTo(&detail)) return detail;
        return {};
    }
    static std::string reason_of(const google::rpc::Status& status) {
        return detail_of<google::rpc::ErrorInfo>(status).reason();
    }

    const std::string pem_ = make_issuer_key_pem();
    const std::string jwks_ = [this] {
        const std::string path =
            ::testing::TempDir() + "rpc_test_" + std::to_string(getpid()) + ".json";
        std::ofstream(path) << jwks_of_pem(pem_);
        return path;
    }();
    TokenVerifier verifier_{TokenOptions{.jwks = jwks_, .issuer = "i", .audience = "a"}};
    FakeLedger ledger;
    AllRoles roster_;
    Rpc rpc_{"drafting", ledger, verifier_, roster_, {.command_bytes_max = bytes_max}};
    Drafting drafting_{rpc_};
    Publishing publishing_{rpc_};
    std::unique_ptr<grpc::Server> server_;
    std::unique_ptr<grpc::GenericStub> raw;
    std::unique_ptr<drafting::v1::DraftingService::Stub> drafting;
    std::unique_ptr<publishing::v1::PublishingService::Stub> publishing;
};

TEST_F(RpcTest, WhatIsRecordedHasTidyTexts) {
    auto request = draft_of(10);
    request.mutable_draft()->set_title("\n  Bow in flood\r\n");
    request.mutable_draft()->set_web(" https://calgary.example/flood\n");
    request.mutable_draft()->mutable_areas(0)->set_polygons(0, "\n1,1 2,2\r\n3,3");
    ASSERT_EQ(put(request, token("calgary", {"author"})).code(), 0);
    drafting::v1::Command command;
    ASSERT_TRUE(command.ParseFromString(ledger.bodies.at(0)));
    const content::v1::Draft& draft = command.put_template().draft();
    EXPECT_EQ(draft.title(), "Bow in flood");
    EXPECT_EQ(draft.web(), "https://calgary.example/flood");
    EXPECT_EQ(draft.areas(0).polygons(0), "1,1 2,2\n3,3");
    // Nothing but blanks is nothing.
    request.set_template_id(" \n");
    const auto refused = put(request, token("calgary", {"author"}));
    EXPECT_EQ(detail_of<google::rpc::BadRequest>(refused).field_violations(0).field(),
              "template_id");
}

TEST_F(RpcTest, BytesThatAreNoRequestChangeNothing) {
    const std::string bearer = token("calgary", {"author"});
    for (const std::string bytes : {"\x07", "\x0a\xff\xff\xff\xff\x0f", "\x0a\x02\xff\xfe"}) {
        const auto refused = put_bytes(bytes, bearer);
        EXPECT_EQ(refused.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
        EXPECT_TRUE(refused.message().find("PutTemplateRequest") != std::string::npos)
            << refused.message();
    }
    EXPECT_TRUE(ledger.sizes.empty());
    // No bytes at all are a request with nothing in it.
    EXPECT_EQ(put_bytes("", bearer).code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
    EXPECT_TRUE(ledger.sizes.empty());
}

TEST_F(RpcTest, ARepeatWithOtherBlanksIsTheSameRequest) {
    auto request = draft_of(10);
    put(request, token("calgary", {"author"}));
    request.mutable_draft()->set_title("Bow in flood\r\n");
    put(request, token("calgary", {"author"}));
    ASSERT_EQ(ledger.bodies.size(), 2U);
    EXPECT_EQ(ledger.bodies[0], ledger.bodies[1]);
}

TEST_F(RpcTest, ACommandThatIsTooLargeIsRefusedWithItsLargestField) {
    const auto refused = put(draft_of(bytes_max), token("calgary", {"author"}));
    EXPECT_EQ(refused.code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(reason_of(refused), "COMMAND_TOO_LARGE");
    const auto bad = detail_of<google::rpc::BadRequest>(refused);
    ASSERT_EQ(bad.field_violations_size(), 1);
    EXPECT_EQ(bad.field_violations(0).field(), "draft.areas[0].polygons");
    EXPECT_NE(refused.message().find("may have 100000"), std::string::npos) << refused.message();
    EXPECT_TRUE(ledger.sizes.empty());
}

// Well above what may be recorded: a picture that was pasted into a text is named, not cut off.
TEST_F(RpcTest, ACallOfAMegabyteAndMoreIsRefusedWithTheFieldThatIsTooLong) {
    const auto refused = put(draft_of(3 << 19), token("calgary", {"author"}));
    EXPECT_EQ(refused.code(), grpc::StatusCode::INVALID_ARGUMENT) << refused.message();
    EXPECT_EQ(detail_of<google::rpc::BadRequest>(refused).field_violations(0).field(),
              "draft.areas[0].polygons");
    const auto bare = put(draft_of(received_bytes_max), token("calgary", {"author"}));
    EXPECT_EQ(bare.code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(reason_of(bare), "") << "that is gRPC's own";
}

// Two bytes each, and a hundred in memory: they are counted before one of them is made.
TEST_F(RpcTest, ARequestOfTooManyFieldsIsNotParsed) {
    drafting::v1::PutTemplateRequest request;
    for (std::size_t i = 0; i < received_fields_max; ++i) request.mutable_draft()->add_texts();
    EXPECT_EQ(reason_of(put(request, "")), "TOKEN_MISSING");
    const auto refused = put(request, token("calgary", {"author"}));
    EXPECT_EQ(reason_of(refused), "INVALID_ARGUMENT");
    EXPECT_EQ(refused.message(), "the request has more than 200000 fields; send less at once");
    request.mutable_draft()->mutable_texts()->DeleteSubrange(0, 1000);
    EXPECT_NE(put(request, token("calgary", {"author"})).message(), refused.message());
}

// Of what has no token, not even whether it could be parsed is looked at: reads, streams, previews
// and changes alike.
TEST_F(RpcTest, NothingIsParsedBeforeTheToken) {
    for (const char* method : {"ListMessages", "WatchMessages", "PreviewMessage", "PutTemplate"}) {
        const std::string path = std::string("drafting.v1.DraftingService/") + method;
        EXPECT_EQ(reason_of(send(path, "\x07", "")), "TOKEN_MISSING") << method;
        EXPECT_EQ(reason_of(send(path, "\x07", token("calgary", {"author"}))), "INVALID_ARGUMENT")
            << method;
    }
    EXPECT_EQ(reason_of(send("publishing.v1.PublishingService/GetFeed", "\x07", "")),
              "INVALID_ARGUMENT");
}

// Its ids and filters are short; a preview has a whole draft.
TEST_F(RpcTest, WhatAReadMayHaveIsBoundedBeforeItIsParsed) {
    const std::string long_one(Rpc::read_bytes_max + 1, '\x07');
    const std::string bearer = token("calgary", {"author"});
    for (const char* path :
         {"drafting.v1.DraftingService/ListMessages", "drafting.v1.DraftingService/WatchMessages",
          "publishing.v1.PublishingService/GetFeed"}) {
        const auto refused = send(path, long_one, bearer);
        EXPECT_EQ(reason_of(refused), "COMMAND_TOO_LARGE") << path;
        EXPECT_EQ(refused.message(), "the request has 65537 bytes, and may have 65536; shorten it");
    }
    EXPECT_EQ(reason_of(send("drafting.v1.DraftingService/PreviewMessage", long_one, bearer)),
              "INVALID_ARGUMENT");
}

TEST_F(RpcTest, AStreamBeginsWithItsRequest) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", token("calgary", {"author"}));
    drafting::v1::WatchMessagesRequest request;
    request.set_incident_id("bow-2013");
    const auto reader = drafting->WatchMessages(&context, request);
    drafting::v1::WatchMessagesResponse none;
    EXPECT_FALSE(reader->Read(&none));
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_EQ(drafting_.watched, "bow-2013");
}

TEST_F(RpcTest, TheLimitIsThatOfTheRecordToTheByte) {
    const std::string bearer = token("calgary", {"author"});
    auto request = draft_of(90'000);
    std::string& last = *request.mutable_draft()->mutable_areas(0)->add_polygons();
    last.assign(5'000, '1');
    ASSERT_EQ(put(request, bearer).code(), grpc::StatusCode::OK);
    last.append(bytes_max - ledger.sizes.back(), '1');
    EXPECT_EQ(put(request, bearer).code(), grpc::StatusCode::OK);
    EXPECT_EQ(ledger.sizes.back(), bytes_max);
    last.append("1");
    EXPECT_EQ(reason_of(put(request, bearer)), "COMMAND_TOO_LARGE");
    EXPECT_EQ(ledger.sizes.size(), 2U);
}

TEST_F(RpcTest, AnOperatorsTokenIsNobodysInARealm) {
    EXPECT_EQ(reason_of(list(token("", {"operator"}))), "ROLE_MISSING");
    EXPECT_EQ(reason_of(put(draft_of(10), token("", {"operator"}))), "ROLE_MISSING");
    EXPECT_EQ(reason_of(list(token("", {"author"}))), "TOKEN_CLAIMS");
    EXPECT_EQ(list(token("calgary", {"author", "operator"})).code(), grpc::StatusCode::OK);
}

TEST_F(RpcTest, AReadNeedsARoleThatTheRosterConfirmsAsAChangeDoes) {
    EXPECT_EQ(reason_of(list(token("calgary", {}))), "ROLE_MISSING");
    EXPECT_EQ(reason_of(put(draft_of(10), token("calgary", {}))), "ROLE_MISSING");
}

// After a start, the roster is folded like everything else.
TEST_F(RpcTest, HalfARosterRefusesNobody) {
    roster_.imported = false;
    ledger.halted_realm = "calgary";
    EXPECT_EQ(reason_of(list(token("calgary", {"author"}))), "UNAVAILABLE");
    EXPECT_EQ(reason_of(put(draft_of(10), token("calgary", {"author"}))), "UNAVAILABLE");
}

// Whoever waits for the import that names them has their roles once it is there.
TEST_F(RpcTest, AReadThatWaitsIsJudgedWhenItIsReached) {
    roster_.imported = false;
    const auto call = list_after();
    ASSERT_TRUE(comes_true([&] { return ledger.awaited == 1; }));
    roster_.imported = true;
    ledger.reach();
    ASSERT_TRUE(comes_true([&] { return call->ends == 1; }));
    EXPECT_EQ(call->code, grpc::StatusCode::OK);
}

TEST_F(RpcTest, AStreamEndsWithItsTokenAndWithItsRoles) {
    const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    Caller caller{"ana",
                  "calgary",
                  "city",
                  {"author"},
                  {"author", "duty-officer"},
                  now + std::chrono::minutes(1)};
    roster_.kept_from = "duty-officer";
    EXPECT_FALSE(rpc_.must_end(caller));
    // More than before, less, and none.
    roster_.kept_from.clear();
    EXPECT_EQ(reason_of(unpack(*rpc_.must_end(caller))), "ROLES_CHANGED");
    roster_.kept_from = "author";
    EXPECT_EQ(reason_of(unpack(*rpc_.must_end(caller))), "ROLES_CHANGED");
    roster_.imported = false;
    EXPECT_EQ(reason_of(unpack(*rpc_.must_end(caller))), "ROLE_MISSING");
    roster_.imported = true;
    roster_.kept_from = "duty-officer";
    caller.expires_at = now - std::chrono::seconds(1);
    EXPECT_EQ(rpc_.must_end(caller)->error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(RpcTest, AChangeNeedsARoleOfItsMethod) {
    EXPECT_EQ(reason_of(put(draft_of(10), token("calgary", {"analyst"}))), "ROLE_MISSING");
    EXPECT_NE(reason_of(put(draft_of(10), token("calgary", {"duty-officer"}))), "ROLE_MISSING");
}

TEST_F(RpcTest, ReadsOfAHaltedPartitionAreUnavailable) {
    ledger.halted_realm = "calgary";
    const auto refused = list(token("calgary", {"author"}));
    EXPECT_EQ(reason_of(refused), "UNAVAILABLE");
    EXPECT_EQ(refused.message(), "the disk burnt; repeat exactly the same request");
    EXPECT_EQ(put(draft_of(10), token("calgary", {"author"})).message(),
              "the disk burnt; repeat exactly the same request");
    EXPECT_EQ(list(token("banff", {"author"})).code(), grpc::StatusCode::OK);
    EXPECT_EQ(reason_of(feed("calgary")), "UNAVAILABLE");
    EXPECT_FALSE(feed("calgary").message().contains("burnt")) << "that is not the public's";
    EXPECT_EQ(feed("banff").code(), grpc::StatusCode::OK);
}

// At once, and when it waited.
TEST_F(RpcTest, AReadThatFailsEnds) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", token("calgary", {"author"}));
    drafting::v1::ListMessagesRequest request;
    request.set_page_token("bad");
    drafting::v1::ListMessagesResponse response;
    EXPECT_EQ(reason_of(unpack(drafting->ListMessages(&context, request, &response))), "INTERNAL");
    const auto call = list_after("bad");
    ASSERT_TRUE(comes_true([&] { return ledger.waits.size() == 1; }));
    ledger.reach();
    EXPECT_TRUE(comes_true([&] { return call->ends == 1; }));
    EXPECT_EQ(call->code, grpc::StatusCode::INTERNAL);
}

TEST_F(RpcTest, PositionsAreAListWithBlanksAndOfSeveralLines) {
    PreviewCall call;
    call.request.mutable_draft();
    call.context.AddMetadata("authorization", token("calgary", {"author"}));
    call.context.AddMetadata("tocsin-after", "drafting/0/1 ,drafting/0/2,  drafting/1/3");
    call.context.AddMetadata("tocsin-after", "drafting/2/4");
    drafting->async()->PreviewMessage(&call.context, &call.request, &call.response,
                                      [&](const grpc::Status& status) {
                                          call.status = status;
                                          call.ended = true;
                                      });
    ASSERT_TRUE(comes_true([&] { return ledger.waits.size() == 1 || call.ended; }));
    ledger.reach();
    ASSERT_TRUE(comes_true([&] { return +call.ended; }));
    EXPECT_TRUE(call.status.ok()) << call.status.error_message();
    EXPECT_EQ(ledger.positions, 4U);
    for (const char* bad : {"drafting/0/1,,drafting/0/2", ",", "drafting/0 /1"}) {
        const auto refused = preview(token("calgary", {"author"}), bad);
        ASSERT_TRUE(comes_true([&] { return +refused->ended; })) << bad;
        EXPECT_EQ(reason_of(unpack(refused->status)), "INVALID_ARGUMENT") << bad;
    }
}

TEST_F(RpcTest, APublicReadDoesNotWait) {
    const auto refused = feed("calgary", "publishing/0/1");
    EXPECT_EQ(reason_of(refused), "INVALID_ARGUMENT");
    EXPECT_EQ(detail_of<google::rpc::BadRequest>(refused).field_violations(0).field(),
              "tocsin-after");
    EXPECT_EQ(ledger.awaited, 0);
}

TEST_F(RpcTest, AReadApartHoldsUpNobodyElse) {
    drafting_.hold(true);
    std::vector<std::unique_ptr<PreviewCall>> calls;
    // More than gRPC has threads.
    for (const char* who : {"ana", "ben", "cid"})
        for (int i = 0; i < 3; ++i)
            calls.push_back(preview(token(i < 2 ? "calgary" : "banff", {"author"}, who),
                                    i == 0 ? "drafting/0/1" : ""));
    ASSERT_TRUE(comes_true([&] { return ledger.waits.size() == 3; }));
    ledger.reach();  // The ledger's thread goes on as well.
    EXPECT_EQ(list(token("calgary", {"author"})).code(), grpc::StatusCode::OK);
    drafting_.hold(false);
    ASSERT_TRUE(comes_true(
        [&] { return std::ranges::all_of(calls, [](const auto& call) { return +call->ended; }); }));
    const auto fine =
        std::ranges::count_if(calls, [](const auto& call) { return call->status.ok(); });
    EXPECT_EQ(fine, 8) << "of one realm 5";
}

TEST_F(RpcTest, OfReadsApartACallerHasAFewAtATime) {
    drafting_.hold(true);
    std::vector<std::unique_ptr<PreviewCall>> calls;
    for (int i = 0; i < 4; ++i) calls.push_back(preview(token("calgary", {"author"})));
    const auto ended = [](const auto& call) { return +call->ended; };
    ASSERT_TRUE(
        comes_true([&] { return drafting_.previews == 1 && std::ranges::any_of(calls, ended); }));
    const auto one_more = std::ranges::find_if(calls, ended);
    const auto refused = unpack((*one_more)->status);
    calls.erase(one_more);
    EXPECT_EQ(reason_of(refused), "UNAVAILABLE");
    EXPECT_GT(detail_of<google::rpc::RetryInfo>(refused).retry_delay().nanos(), 0);
    const auto nobody = preview(token("calgary", {}));
    ASSERT_TRUE(comes_true([&] { return +nobody->ended; }));
    EXPECT_EQ(reason_of(unpack(nobody->status)), "ROLE_MISSING");
    EXPECT_TRUE(std::ranges::none_of(calls, ended)) << "three have a slot";
    // Whoever goes away gives the place back.
    for (const auto& call : calls) call->context.TryCancel();
    ASSERT_TRUE(comes_true([&] { return std::ranges::all_of(calls, ended); }));
    drafting_.hold(false);
    EXPECT_TRUE(comes_true([&] {
        const auto again = preview(token("calgary", {"author"}));
        return comes_true([&] { return +again->ended; }) && again->status.ok();
    }));
}

TEST_F(RpcTest, ReadsApartThatWaitEndWithTheirThread) {
    drafting_.hold(true);
    const auto runs = preview(token("calgary", {"author"}));
    ASSERT_TRUE(comes_true([&] { return drafting_.previews == 1; }));
    const auto waits = preview(token("calgary", {"author"}));
    const auto from_banff = preview(token("banff", {"author"}));
    EXPECT_EQ(list(token("calgary", {"author"})).code(), grpc::StatusCode::OK);
    std::jthread stops([&] { drafting_.apart.thread.stop(); });
    ASSERT_TRUE(comes_true([&] { return waits->ended && from_banff->ended; }));
    EXPECT_EQ(reason_of(unpack(waits->status)), "STOPPING");
    drafting_.hold(false);
    ASSERT_TRUE(comes_true([&] { return +runs->ended; }));
    EXPECT_TRUE(runs->status.ok());
    stops.join();
    const auto late = preview(token("calgary", {"author"}));
    ASSERT_TRUE(comes_true([&] { return +late->ended; }));
    EXPECT_EQ(reason_of(unpack(late->status)), "STOPPING");
}

TEST_F(RpcTest, AReadThatWaitsIsGivenUpWithItsCaller) {
    const auto call = list_after();
    ASSERT_TRUE(comes_true([&] { return ledger.waits.size() == 1; }));
    EXPECT_EQ(ledger.actor, "ana@city.example");
    call->context.TryCancel();
    EXPECT_TRUE(comes_true([&] { return ledger.waits.size() == 0; }));
    EXPECT_TRUE(comes_true([&] { return call->ends == 1; }));
    EXPECT_EQ(call->code, grpc::StatusCode::CANCELLED);
}

TEST_F(RpcTest, AReadThatIsGivenUpAsItIsReachedEndsOnce) {
    std::vector<std::unique_ptr<WaitingCall>> calls;
    for (int i = 1; i <= 300; ++i) {
        calls.push_back(list_after());
        ASSERT_TRUE(comes_true([&] { return ledger.awaited == i; }));
        std::jthread reaches([&] { ledger.reach(); });
        calls.back()->context.TryCancel();
    }
    EXPECT_TRUE(comes_true([&] {
        return std::ranges::all_of(calls, [](const auto& call) { return call->ends == 1; });
    }));
    EXPECT_TRUE(comes_true([&] { return ledger.waits.size() == 0; }));
    EXPECT_GT(ledger.given_up, 0);
}

}  // namespace
}  // namespace tocsin::runtime
