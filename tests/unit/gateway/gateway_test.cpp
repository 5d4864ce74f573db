// End to end in one process: HTTP client, gateway, a gRPC server with real methods.
#include "gateway/gateway.hpp"

#include "gateway/connect.hpp"
#include "gateway/connect_error.hpp"
#include "gateway/feeds.hpp"
#include "gateway/limits.hpp"
#include "runtime/edge/errors.hpp"
#include "runtime/edge/jwk.hpp"
#include "support/author_token.hpp"
#include "support/metric_value.hpp"
#include "support/until.hpp"
#include "tocsin/measurement/v1/measurement_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

#include <atomic>
#include <deque>
#include <fstream>
#include <thread>

namespace tocsin::gateway {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;
using nlohmann::json;

namespace measurement_v1 = tocsin::measurement::v1;
namespace publishing_v1 = tocsin::publishing::v1;

class FakeMeasurement : public measurement_v1::MeasurementService::Service {
public:
    grpc::Status GetScorecard(grpc::ServerContext* context,
                              const measurement_v1::GetScorecardRequest* request,
                              measurement_v1::GetScorecardResponse* response) override {
        const auto& metadata = context->client_metadata();
        const auto sent = [&](const char* name) {
            const auto found = metadata.find(name);
            return found == metadata.end()
                       ? ""
                       : std::string(found->second.data(), found->second.size());
        };
        authorization = sent("authorization");
        after = sent("tocsin-after");
        if (request->message_id() == "slow")
            std::this_thread::sleep_for(std::chrono::milliseconds(400));
        if (request->message_id() == "long") {
            asked_long = true;
            const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (!context->IsCancelled() && std::chrono::steady_clock::now() < end)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            abandoned = context->IsCancelled();
        }
        if (request->message_id() == "busy")
            return runtime::status(grpc::StatusCode::UNAVAILABLE, "not_ready", "not yet", {},
                                   std::chrono::milliseconds(1500));
        if (request->message_id() == "none")
            return runtime::status(grpc::StatusCode::NOT_FOUND, "not_found", "no such message",
                                   {{"message_id", "names no message"}});
        response->mutable_scorecard()->set_message_id(request->message_id());
        response->mutable_scorecard()->set_skew_ms(1.5);
        return grpc::Status::OK;
    }
    grpc::Status AddRemark(grpc::ServerContext* context,
                           const measurement_v1::AddRemarkRequest* request,
                           ledger::v1::ChangeResponse* response) override {
        if (request->message_id() == "slow")
            std::this_thread::sleep_for(std::chrono::milliseconds(3000));
        if (context->IsCancelled()) return grpc::Status::CANCELLED;
        response->set_position("measurement/3/17");
        return grpc::Status::OK;
    }
    grpc::Status ListScorecards(grpc::ServerContext* context,
                                const measurement_v1::ListScorecardsRequest*,
                                measurement_v1::ListScorecardsResponse*) override {
        ++lists_under_way;
        while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        --lists_under_way;
        return grpc::Status::CANCELLED;
    }
    std::string authorization, after;
    std::atomic<int> lists_under_way = 0;
    std::atomic<bool> asked_long = false, abandoned = false;
};

class FakePublishing : public publishing_v1::PublishingService::Service {
public:
    grpc::Status GetFeed(grpc::ServerContext*, const publishing_v1::GetFeedRequest* request,
                         publishing_v1::GetFeedResponse* response) override {
        if (request->realm() != "r") return {grpc::StatusCode::NOT_FOUND, "no such feed"};
        response->set_etag(feed_etag);
        feed_tags.assign(request->known_etags().begin(), request->known_etags().end());
        feed_page = request->page();
        feed_format = request->format();
        if (feed_modified > 0) response->mutable_modified_at()->set_seconds(feed_modified);
        // As publishing does: what the reader has is not sent.
        if (std::ranges::find(feed_tags, feed_etag) != feed_tags.end()) {
            response->set_not_modified(true);
            return grpc::Status::OK;
        }
        response->set_body("<feed>" + request->language() + "</feed>");
        ++feeds_sent;
        return grpc::Status::OK;
    }
    grpc::Status GetAlert(grpc::ServerContext*, const publishing_v1::GetAlertRequest* request,
                          publishing_v1::GetAlertResponse* response) override {
        response->set_body("<alert>" + request->identifier() + "</alert>");
        response->set_etag("v2");
        return grpc::Status::OK;
    }
    std::string feed_etag = "v1";
    std::vector<std::string> feed_tags;
    int feed_page = 0;
    publishing_v1::FeedFormat feed_format = publishing_v1::FEED_FORMAT_UNSPECIFIED;
    std::int64_t feed_modified = 0;  // 0: it is not settled
    int feeds_sent = 0;
};

class GatewayTest : public ::testing::Test {
protected:
    GatewayTest() {
        grpc::EnableDefaultHealthCheckService(true);
        int port = 0;
        grpc::ServerBuilder builder;
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
        builder.RegisterService(&measurement);
        builder.RegisterService(&publishing);
        server = builder.BuildAndStart();
        const std::string address = "127.0.0.1:" + std::to_string(port);
        config.upstreams["measurement"] = address;
        config.upstreams["publishing"] = address;
        config.body_bytes_max = 4096;
    }
    ~GatewayTest() override {
        if (gateway) gateway->stop();
        server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    }

    void start() {
        gateway =
            make_gateway(config, metrics, grpc::InsecureChannelCredentials(), std::move(tokens));
        gateway->start();
    }

    tcp::endpoint address() const {
        return {boost::asio::ip::make_address("127.0.0.1"),
                static_cast<unsigned short>(gateway->ports().at("gateway"))};
    }

    // A token of this subject, which the gateway is made to know.
    std::string token_of(const std::string& subject) {
        return testing::author_token(issuer_key, subject);
    }
    void check_tokens() {
        const std::string file =
            ::testing::TempDir() + "gateway_test_" + std::to_string(getpid()) + ".json";
        std::ofstream(file) << runtime::jwks_of_pem(issuer_key);
        tokens = std::make_unique<runtime::TokenVerifier>(
            runtime::TokenOptions{file, "tocsin-dev", "tocsin"});
    }

    // What comes back until the gateway closes the connection.
    std::string converse(std::string_view sent, bool close_our_side = false) {
        if (!gateway) start();
        boost::asio::io_context io;
        tcp::socket wire(io);
        wire.connect(address());
        boost::system::error_code ended;
        boost::asio::write(wire, boost::asio::buffer(sent), ended);
        if (close_our_side) wire.shutdown(tcp::socket::shutdown_send, ended);
        std::string said;
        boost::asio::read(wire, boost::asio::dynamic_buffer(said), ended);
        return said;
    }
    static std::size_t answers(std::string_view said) {
        std::size_t found = 0;
        for (std::size_t at = 0; (at = said.find("HTTP/1.1 ", at)) != said.npos; ++at) ++found;
        return found;
    }

    using Response = http::response<http::string_body>;
    using Request = http::request<http::string_body>;

    Response send(Request request) {
        if (!gateway) start();
        boost::asio::io_context io;
        beast::tcp_stream stream(io);
        stream.connect(address());
        request.set(http::field::host, "x");
        request.prepare_payload();
        http::write(stream, request);
        beast::flat_buffer buffer;
        http::response_parser<http::string_body> parser;
        parser.skip(request.method() == http::verb::head);
        http::read(stream, buffer, parser);
        return parser.release();
    }

    Response get(const std::string& target, const std::string& none_match = {},
                 http::verb verb = http::verb::get) {
        Request request{verb, target, 11};
        if (!none_match.empty()) request.set(http::field::if_none_match, none_match);
        return send(request);
    }

    Response post(const std::string& method, const std::string& body,
                  const std::string& type = "application/json",
                  const std::map<std::string, std::string>& headers = {}) {
        Request request{http::verb::post, "/tocsin.measurement.v1.MeasurementService/" + method,
                        11};
        request.set(http::field::content_type, type);
        for (const auto& [name, value] : headers) request.set(name, value);
        request.body() = body;
        return send(request);
    }

    std::optional<double> limited(const std::string& limit) {
        return tocsin::testing::metric_value(metrics, "tocsin_gateway_limited_total",
                                             {{"limit", limit}});
    }

    runtime::Metrics metrics{""};
    FakeMeasurement measurement;
    FakePublishing publishing;
    std::unique_ptr<grpc::Server> server;
    const std::string issuer_key = runtime::make_issuer_key_pem();
    std::unique_ptr<runtime::TokenVerifier> tokens;
    GatewayConfig config;
    std::unique_ptr<Gateway> gateway;
};

TEST(ConnectError, HasTheStatusOfTheConnectTable) {
    const std::vector<std::pair<std::string, int>> expected{{"canceled", 499},
                                                            {"unknown", 500},
                                                            {"invalid_argument", 400},
                                                            {"deadline_exceeded", 504},
                                                            {"not_found", 404},
                                                            {"already_exists", 409},
                                                            {"permission_denied", 403},
                                                            {"resource_exhausted", 429},
                                                            {"failed_precondition", 400},
                                                            {"aborted", 409},
                                                            {"out_of_range", 400},
                                                            {"unimplemented", 501},
                                                            {"internal", 500},
                                                            {"unavailable", 503},
                                                            {"data_loss", 500},
                                                            {"unauthenticated", 401}};
    for (std::size_t index = 0; index < expected.size(); ++index) {
        const auto code = static_cast<grpc::StatusCode>(index + 1);
        EXPECT_EQ(code_name(code), expected[index].first);
        EXPECT_EQ(http_status(code), expected[index].second) << expected[index].first;
    }
}

TEST_F(GatewayTest, AnswersJson) {
    const auto response = post("GetScorecard", R"({"messageId":"m-1"})", "application/json",
                               {{"Authorization", "Bearer t"}});
    EXPECT_EQ(response.result_int(), 200u) << response.body();
    EXPECT_EQ(response["X-Content-Type-Options"], "nosniff");
    EXPECT_EQ(json::parse(response.body())["scorecard"]["messageId"], "m-1");
    EXPECT_EQ(measurement.authorization, "Bearer t");
}

TEST_F(GatewayTest, OnlyWhoShowsATokenMayWaitForAPosition) {
    post("GetScorecard", R"({"messageId":"m-1"})", "application/json",
         {{"Authorization", "Bearer t"}, {"tocsin-after", "measurement/3/17"}});
    EXPECT_EQ(measurement.after, "measurement/3/17");
    post("GetScorecard", R"({"messageId":"m-1"})", "application/json",
         {{"tocsin-after", "measurement/3/17"}});
    EXPECT_EQ(measurement.after, "");
}

TEST_F(GatewayTest, AnswersBinary) {
    measurement_v1::GetScorecardRequest request;
    request.set_message_id("m-2");
    const auto response = post("GetScorecard", request.SerializeAsString(), "application/proto");
    measurement_v1::GetScorecardResponse message;
    ASSERT_EQ(response.result_int(), 200u) << response.body();
    EXPECT_EQ(response["Content-Type"], "application/proto");
    ASSERT_TRUE(message.ParseFromString(response.body()));
    EXPECT_EQ(message.scorecard().skew_ms(), 1.5);
}

TEST_F(GatewayTest, PassesTheDetailsOfAnErrorOn) {
    const auto response = post("GetScorecard", R"({"messageId":"none"})");
    EXPECT_EQ(response.result_int(), 404u);
    const json body = json::parse(response.body());
    EXPECT_EQ(body["code"], "not_found");
    EXPECT_EQ(body["message"], "no such message");
    EXPECT_EQ(body["details"][0]["type"], "google.rpc.ErrorInfo");
    EXPECT_EQ(body["details"][0]["debug"]["reason"], "NOT_FOUND");
    EXPECT_EQ(body["details"][1]["debug"]["fieldViolations"][0]["field"], "message_id");
    EXPECT_EQ(body["details"][0]["value"].get<std::string>().find('='), std::string::npos);
}

TEST_F(GatewayTest, SaysWhenToRetry) {
    const auto response = post("GetScorecard", R"({"messageId":"busy"})");
    EXPECT_EQ(response.result_int(), 503u);
    EXPECT_EQ(response["Retry-After"], "2");
    EXPECT_EQ(json::parse(response.body())["code"], "unavailable");
}

TEST_F(GatewayTest, SaysWhichServiceCannotBeReached) {
    server->Shutdown();
    const auto response = post("GetScorecard", R"({"messageId":"m"})");
    EXPECT_EQ(response.result_int(), 503u);
    EXPECT_EQ(response["Retry-After"], "1");
    const json body = json::parse(response.body());
    EXPECT_EQ(body["details"][0]["debug"]["reason"], "UPSTREAM_UNAVAILABLE");
    EXPECT_EQ(get("/healthz").result_int(), 503u);
    EXPECT_EQ(get("/livez").result_int(), 200u);
}

TEST_F(GatewayTest, NamesTheFieldAtFault) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"messageIdd":"m"})", "messageIdd"},
        {R"({"messageId":{"a":1}})", "message_id"},
        {R"({"messageId":"m","messageId":"n"})", "messageId"}};
    for (const auto& [text, field] : cases) {
        const auto response = post("GetScorecard", text);
        EXPECT_EQ(response.result_int(), 400u) << text;
        const json body = json::parse(response.body());
        EXPECT_EQ(body["code"], "invalid_argument");
        EXPECT_NE(body["message"].get<std::string>().find(field), std::string::npos) << body;
    }
}

TEST(ReadMessage, NamesTheWholePathOfTheField) {
    const auto* type = measurement_v1::GetScorecardResponse::descriptor();
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"scorecard":{"skewMs":"x"}})", "scorecard.skew_ms"},
        {R"({"scorecard":{"milestones":[{"at":"yesterday"}]}})", "scorecard.milestones[0].at"},
        {R"({"scorecard":{"nope":1}})", "scorecard.nope"},
        {R"({"scorecard":{"deliveries":{"a":"b"}}})", "scorecard.deliveries"},
        {R"({"scorecard":{"skewMs":1e999}})", "range of double"}};
    for (const auto& [text, field] : cases) {
        const auto read = read_message(Codec::json, text, type);
        ASSERT_FALSE(read) << text;
        EXPECT_NE(read.error().message.find(field), std::string::npos) << read.error().message;
    }
    EXPECT_TRUE(read_message(Codec::json, R"({"scorecard":{"deliveries":{"confirmed":2}}})", type));
}

TEST_F(GatewayTest, RefusesWhatIsNotTheProtocol) {
    EXPECT_EQ(post("GetScorecard", "{}", "text/plain").result_int(), 415u);
    EXPECT_EQ(post("NoSuchMethod", "{}").result_int(), 404u);
    EXPECT_EQ(post("GetScorecard", "\xff", "application/proto").result_int(), 400u);
    const auto wrong = get("/tocsin.measurement.v1.MeasurementService/GetScorecard");
    EXPECT_EQ(wrong.result_int(), 405u);
    EXPECT_EQ(wrong["Allow"], "POST");
    const auto zipped =
        post("GetScorecard", "{}", "application/json", {{"Content-Encoding", "gzip"}});
    EXPECT_EQ(zipped.result_int(), 501u);
    EXPECT_EQ(zipped["Accept-Encoding"], "identity");
    const auto version =
        post("GetScorecard", "{}", "application/json", {{"Connect-Protocol-Version", "2"}});
    EXPECT_EQ(version.result_int(), 400u);
    const auto timeout =
        post("GetScorecard", "{}", "application/json", {{"Connect-Timeout-Ms", "x"}});
    EXPECT_EQ(timeout.result_int(), 400u);
    Request stream{http::verb::post, "/tocsin.drafting.v1.DraftingService/WatchMessages", 11};
    stream.set(http::field::content_type, "application/json");
    stream.body() = "{}";
    EXPECT_EQ(send(stream).result_int(), 501u);
}

TEST_F(GatewayTest, EndsACallAtItsDeadline) {
    const auto response = post("GetScorecard", R"({"messageId":"slow"})", "application/json",
                               {{"Connect-Timeout-Ms", "50"}});
    EXPECT_EQ(response.result_int(), 504u);
    EXPECT_EQ(json::parse(response.body())["code"], "deadline_exceeded");
}

TEST_F(GatewayTest, GivesThePositionOfAChange) {
    EXPECT_EQ(post("AddRemark", "{}")["tocsin-position"], "measurement/3/17");
}

TEST_F(GatewayTest, RefusesABodyTooLarge) {
    const auto response = post("GetScorecard", std::string(5000, ' ') + "{}");
    EXPECT_EQ(response.result_int(), 413u);
    const auto error = json::parse(response.body());
    EXPECT_EQ(error["code"], "resource_exhausted");
    EXPECT_EQ(error["message"],
              "the body may have 4096 bytes and has more: shorten its longest fields");
    const auto& violation = error["details"][1]["debug"]["fieldViolations"][0];
    EXPECT_EQ(violation["field"], "content-length");
    EXPECT_EQ(violation["description"], error["message"]);
}

TEST_F(GatewayTest, RefusesAHeaderTooLarge) {
    const auto response =
        post("GetScorecard", "{}", "application/json", {{"X-Long", std::string(20'000, 'x')}});
    EXPECT_EQ(response.result_int(), 431u);
    const auto error = json::parse(response.body());
    EXPECT_EQ(error["code"], "invalid_argument");
    EXPECT_EQ(error["message"],
              "the header may have 16384 bytes and has more: send fewer or shorter fields");
}

// One connection, on which requests follow each other.
class Connection {
public:
    explicit Connection(const tcp::endpoint& to) { wire_.connect(to); }
    // The status; 0: the gateway closed it.
    unsigned ask(const std::string& target) {
        http::request<http::string_body> request{http::verb::get, target, 11};
        request.set(http::field::host, "x");
        boost::system::error_code closed;
        http::write(wire_, request, closed);
        http::response<http::string_body> response;
        if (!closed) http::read(wire_, buffer_, response, closed);
        return closed ? 0 : response.result_int();
    }
    void begin(std::string_view bytes) { boost::asio::write(wire_, boost::asio::buffer(bytes)); }
    void close() { wire_.close(); }

private:
    boost::asio::io_context io_;
    tcp::socket wire_{io_};
    beast::flat_buffer buffer_;
};

static const std::string ask_long =
    "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
    "Content-Type: application/json\r\nConnect-Timeout-Ms: 20000\r\nContent-Length: 20\r\n\r\n"
    R"({"messageId":"long"})";

TEST_F(GatewayTest, TheConnectionIdleForLongestMakesRoom) {
    config.connections_max = 3;
    config.connections_per_address_max = 3;
    start();
    Connection first(address()), second(address()), third(address());
    for (Connection* one : {&first, &second, &third}) EXPECT_EQ(one->ask("/livez"), 200u);
    EXPECT_EQ(first.ask("/livez"), 200u);  // So that the second is idle for longest.
    EXPECT_EQ(get("/livez").result_int(), 200u);
    EXPECT_EQ(second.ask("/livez"), 0u);
    EXPECT_EQ(first.ask("/livez"), 200u);
    EXPECT_EQ(third.ask("/livez"), 200u);
}

TEST_F(GatewayTest, OneAddressHasOnlySoManyConnections) {
    config.connections_per_address_max = 2;
    start();
    Connection first(address()), second(address());
    for (Connection* one : {&first, &second}) EXPECT_EQ(one->ask("/livez"), 200u);
    EXPECT_EQ(get("/livez").result_int(), 200u);
    EXPECT_EQ(first.ask("/livez"), 0u);
    EXPECT_EQ(second.ask("/livez"), 200u);
}

TEST_F(GatewayTest, TurnsAwayOneConnectionTooManyWhereNoneIsIdle) {
    config.connections_max = 1;
    start();
    Connection busy(address());
    busy.begin(ask_long);
    while (!measurement.asked_long) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(get("/livez").result_int(), 503u);
    busy.close();
}

TEST_F(GatewayTest, AReadWhoseCallerLeftIsCancelled) {
    start();
    Connection caller(address());
    caller.begin(ask_long);
    while (!measurement.asked_long) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    caller.close();
    for (int i = 0; i < 2000 && !measurement.abandoned; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(measurement.abandoned);
}

static std::string call_of(const std::string& method, const std::string& body) {
    return "POST /tocsin.measurement.v1.MeasurementService/" + method +
           " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(GatewayTest, WhoClosedOnlyItsSideIsAnswered) {
    const std::string read = converse(call_of("GetScorecard", R"({"messageId":"slow"})"), true);
    EXPECT_TRUE(read.starts_with("HTTP/1.1 200 ")) << read;
    // However long it takes: it may have taken effect.
    const std::string change = converse(call_of("AddRemark", R"({"messageId":"slow"})"), true);
    EXPECT_TRUE(change.starts_with("HTTP/1.1 200 ")) << change;
    EXPECT_NE(change.find("measurement/3/17"), change.npos) << change;
}

TEST_F(GatewayTest, AReadThatIsGivenUpSaysThatItsCallerClosedItsSide) {
    const std::string said = converse(ask_long, true);
    EXPECT_TRUE(said.starts_with("HTTP/1.1 499 ")) << said;
    EXPECT_NE(said.find("you closed your side of the connection"), said.npos) << said;
    EXPECT_NE(said.find("CANCELLED"), said.npos) << said;
}

TEST_F(GatewayTest, ListsThatAreUnderWayHaveOnlySoMuchRoom) {
    config.drain_ms_max = 10;
    start();
    // A quarter of 128 MiB is of one address; a page may have one.
    constexpr int room = 32;
    std::deque<Connection> asking;
    for (int i = 0; i < room; ++i)
        asking.emplace_back(address()).begin(call_of("ListScorecards", "{}"));
    ASSERT_TRUE(testing::until([&] { return measurement.lists_under_way == room; }));
    const auto refused = post("ListScorecards", "{}");
    EXPECT_EQ(refused.result_int(), 503u);
    EXPECT_EQ(refused["Retry-After"], "1");
    EXPECT_EQ(json::parse(refused.body())["details"][0]["debug"]["reason"], "GATEWAY_BUSY");
    EXPECT_EQ(limited("large_answers"), 1);
    EXPECT_EQ(post("AddRemark", "{}").result_int(), 200u) << "a change is never refused for it";
    asking.clear();
    ASSERT_TRUE(testing::until([&] { return measurement.lists_under_way == 0; }));
    Connection next(address());
    next.begin(call_of("ListScorecards", "{}"));
    ASSERT_TRUE(testing::until([&] { return measurement.lists_under_way > 0; }));
    EXPECT_EQ(limited("large_answers"), 1);
}

TEST_F(GatewayTest, ProbesOfOneAddressHaveARateOfTheirOwn) {
    std::string probes;
    for (int i = 0; i < 3000; ++i) probes += "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string said = converse(probes);
    EXPECT_GE(answers(said), 400u);
    EXPECT_LT(answers(said), 3000u);
    EXPECT_NE(said.find("HTTP/1.1 429 "), said.npos);
    EXPECT_EQ(limited("requests_of_address"), 1);
    EXPECT_EQ(get("/feeds/r/fr.atom").result_int(), 200u);
}

TEST_F(GatewayTest, ProbesReadAndDoNothingElse) {
    for (const char* target : {"/livez", "/healthz"}) {
        EXPECT_EQ(get(target, "", http::verb::head).result_int(), 200u) << target;
        const auto refused = get(target, "", http::verb::delete_);
        EXPECT_EQ(refused.result_int(), 405u) << target;
        EXPECT_EQ(refused["Allow"], "GET, HEAD") << target;
    }
}

TEST_F(GatewayTest, AnEmptyLineBeforeARequestIsPassedOver) {
    const std::string probe = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string said = converse("\r\n" + probe + "\r\n" + probe + "\r\n\r\n" + probe);
    EXPECT_TRUE(said.starts_with("HTTP/1.1 200 ")) << said;
    EXPECT_EQ(answers(said), 3u) << said;
    EXPECT_NE(said.find("HTTP/1.1 400 "), said.npos) << "two are no request: " << said;
}

TEST_F(GatewayTest, ARefusedHeadHasNoBody) {
    for (const char* head :
         {"HEAD /livez HTTP/1.1\r\nHost: x\r\na b\r\n\r\n", "HEAD /livez HTTP/1.1\r\n\r\n",
          "HEAD /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n"}) {
        const std::string said = converse(head);
        EXPECT_TRUE(said.starts_with("HTTP/1.1 4")) << said;
        EXPECT_TRUE(said.ends_with("\r\n\r\n")) << said;
    }
}

TEST_F(GatewayTest, OnlyHttp11IsInvitedToSendABody) {
    const std::string rest =
        "\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        "Connection: close\r\nExpect: 100-continue\r\n\r\n{}";
    const std::string line = "POST /tocsin.measurement.v1.MeasurementService/AddRemark HTTP/1.";
    EXPECT_TRUE(converse(line + "1" + rest).starts_with("HTTP/1.1 100 "));
    EXPECT_TRUE(converse(line + "0" + rest).starts_with("HTTP/1.1 200 "));
}

TEST_F(GatewayTest, SaysWhatIsWrongWithChunks) {
    const std::string head =
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string bad = converse(head + "zz\r\n{}\r\n0\r\n\r\n");
    EXPECT_NE(bad.find("a chunk is expected to be its size"), bad.npos) << bad;
    std::string tiny;
    for (int i = 0; i < 4000; ++i) tiny += "1\r\n \r\n";
    const std::string many = converse(head + tiny);
    EXPECT_TRUE(many.starts_with("HTTP/1.1 431 ")) << many;
    EXPECT_NE(many.find("send fewer and longer chunks"), many.npos) << many;
}

TEST_F(GatewayTest, WhatTwoReadersMayUnderstandDifferentlyIsRefusedAndEndsTheConnection) {
    const std::string smuggled = "GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n";
    const std::string post = "POST /livez HTTP/1.1\r\n";
    const std::vector<std::string> heads{
        post + "Host: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        post + "Host: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        post + "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        post + "Host: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        post + "Host: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /livez HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "\r\n",
        post + "Host: x\r\nHost: y\r\n\r\n",
        post + "Host: x\r\nX-A: b\r\n c\r\n\r\n",
        post + "Host: x\r\nContent-Length : 0\r\n\r\n",
        "POST /livez HTTP/1.1\nHost: x\n\n",
        post + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n",
        post + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n"};
    for (const std::string& head : heads) {
        const std::string said = converse(head + smuggled);
        EXPECT_TRUE(said.starts_with("HTTP/1.1 400 ")) << head << said;
        EXPECT_NE(said.find("BAD_REQUEST"), said.npos) << head << said;
        EXPECT_EQ(answers(said), 1u) << head << said;
    }
}

TEST_F(GatewayTest, ATrailerIsNoHeader) {
    const std::string said = converse(
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\n{}\r\n0\r\nAuthorization: Bearer trailer\r\nConnection: close\r\n\r\n"
        "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(said.starts_with("HTTP/1.1 200 ")) << said;
    EXPECT_EQ(answers(said), 2u) << said;
    EXPECT_EQ(measurement.authorization, "");
}

TEST_F(GatewayTest, ATrailerInFoldedLinesIsRefusedAndEndsTheConnection) {
    const std::string head =
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string body :
         {"2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n", "2\r\n{}\r\n0\r\n X: a\r\n\r\n",
          "2\r\n{}\r\n00\r\nY: b\r\nX:\r\n\ta\r\n\r\n"}) {
        const std::string said =
            converse(head + body + "GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n");
        EXPECT_TRUE(said.starts_with("HTTP/1.1 400 ")) << body << said;
        EXPECT_EQ(answers(said), 1u) << body << said;
    }
}

TEST_F(GatewayTest, ATargetMayNameTheHost) {
    const std::string said =
        converse("GET http://x/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(said.starts_with("HTTP/1.1 200 ")) << said;
}

TEST_F(GatewayTest, AHeaderThatIsAListMayComeInSeveralLines) {
    const std::string token = token_of("ana");
    const std::string said = converse(
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Authorization: Bearer " +
        token +
        "\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
        "Tocsin-After: measurement/0/1\r\ntocsin-after: drafting/0/2\r\n\r\n{}");
    EXPECT_TRUE(said.starts_with("HTTP/1.1 200 ")) << said;
    EXPECT_EQ(measurement.after, "measurement/0/1, drafting/0/2");
    const std::string feed = converse(
        "GET /feeds/r/fr.atom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        "If-None-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n\r\n");
    EXPECT_TRUE(feed.starts_with("HTTP/1.1 304 ")) << feed;
}

// RFC 9112 lets a line feed end a line, or not: what follows one is the next request to some.
TEST_F(GatewayTest, AChunkWithAnExtensionIsRefusedAndEndsTheConnection) {
    const std::string head =
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string smuggled = "GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n";
    for (const std::string body :
         {"2;a\nb\r\n{}\r\n0\r\n\r\n", "2;note=\"x\"\r\n{}\r\n0\r\n\r\n", "2;a\r\n{}\r\n0\r\n\r\n",
          "2 ;a\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n0;a\n\r\n\r\n", "2\r\n{}\r\n0;a=b\r\n\r\n",
          "2 \r\n{}\r\n0\r\n\r\n", "2;\r\n{}\r\n0\r\n\r\n", "2\n{}\r\n0\r\n\r\n",
          "2\r\n{}\r\n0\r\nX: a\nY: b\r\n\r\n", "2\r\n{}\n0\r\n\r\n"}) {
        const std::string said = converse(head + body + smuggled);
        EXPECT_TRUE(said.starts_with("HTTP/1.1 400 ")) << body << said;
        EXPECT_EQ(answers(said), 1u) << body << said;
    }
}

TEST_F(GatewayTest, TrailersAndWhatNeverEndsAChunksSizeAreBounded) {
    const std::string head =
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string many_trailers = "0\r\n";
    for (int i = 0; i < 1000; ++i)
        many_trailers += "X" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n";
    for (const std::string& body :
         {"1;" + std::string(1 << 20, 'a'), "0\r\nX: " + std::string(1 << 20, 'a'),
          many_trailers + "\r\n"}) {
        const std::string said = converse(head + body);
        EXPECT_TRUE(said.starts_with("HTTP/1.1 431 ")) << body.substr(0, 200) << said;
        EXPECT_EQ(answers(said), 1u);
    }
}

TEST_F(GatewayTest, ATokenIsCheckedBeforeTheBodyIsRead) {
    check_tokens();
    config.body_bytes_max = 2 << 20;
    const std::string head =
        "POST /tocsin.measurement.v1.MeasurementService/GetScorecard HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\n";
    for (const char* token : {"", "Authorization: Bearer a.b.c\r\n"}) {
        const std::string said = converse(head + token + "Content-Length: 1000000\r\n\r\n");
        EXPECT_TRUE(said.starts_with("HTTP/1.1 401 ")) << said;
        EXPECT_NE(said.find("Connection: close"), said.npos) << said;
    }
    const auto response = post("GetScorecard", R"({"messageId":"m-1"})", "application/json",
                               {{"Authorization", token_of("ana")}});
    EXPECT_EQ(response.result_int(), 200u) << response.body();
}

TEST_F(GatewayTest, OnlyWhatTakesTextsTakesALargeBody) {
    config.body_bytes_max = 2 << 20;
    const std::string body = "{\"messageId\":\"" + std::string(200'000, 'a') + "\"}";
    EXPECT_EQ(post("GetScorecard", body).result_int(), 413u);
    Request draft{http::verb::post, "/tocsin.drafting.v1.DraftingService/PreviewMessage", 11};
    draft.set(http::field::content_type, "application/json");
    draft.body() = "{\"draft\":{\"title\":\"" + std::string(200'000, 'a') + "\"}}";
    EXPECT_EQ(send(draft).result_int(), 501u);  // Read; drafting is not served here.
    Request feed{http::verb::post, "/tocsin.publishing.v1.PublishingService/GetFeed", 11};
    feed.set(http::field::content_type, "application/json");
    feed.body() = "{\"realm\":\"" + std::string(10'000, 'a') + "\"}";
    EXPECT_EQ(send(feed).result_int(), 413u);
}

TEST_F(GatewayTest, AnAddressMayAskOnlySoOften) {
    config.requests_per_address_max = 1;
    EXPECT_EQ(get("/feeds/r/fr.atom").result_int(), 200u);
    EXPECT_EQ(get("/feeds/r/fr.atom").result_int(), 200u);
    const auto refused = get("/feeds/r/fr.atom");
    EXPECT_EQ(refused.result_int(), 429u);
    EXPECT_EQ(refused["Retry-After"], "1");
    EXPECT_EQ(json::parse(refused.body())["details"][0]["debug"]["reason"], "TOO_MANY_REQUESTS");
    EXPECT_EQ(get("/livez").result_int(), 200u);
    EXPECT_EQ(tocsin::testing::metric_value(metrics, "tocsin_gateway_requests_total",
                                            {{"service", "feeds"}, {"code", "resource_exhausted"}}),
              1);
}

TEST_F(GatewayTest, ACallerMayAskOnlySoOften) {
    check_tokens();
    config.requests_per_caller_max = 1;
    const auto ask = [&](const std::string& who) {
        return post("GetScorecard", "{}", "application/json", {{"Authorization", token_of(who)}});
    };
    EXPECT_EQ(ask("ana").result_int(), 200u);
    EXPECT_EQ(ask("ana").result_int(), 200u);
    const auto refused = ask("ana");
    EXPECT_EQ(refused.result_int(), 429u);
    EXPECT_EQ(refused["Retry-After"], "1");
    EXPECT_EQ(ask("ben").result_int(), 200u);
}

TEST_F(GatewayTest, AnAddressMayShowOnlySoManyBadTokens) {
    check_tokens();
    config.refused_tokens_per_address_max = 1;
    const auto ask = [&](const std::string& token) {
        return post("GetScorecard", "{}", "application/json", {{"Authorization", token}});
    };
    const std::string known = token_of("ana");
    EXPECT_EQ(ask(known).result_int(), 200u);
    const auto forged = [&](const std::string& subject) {
        std::string token = token_of(subject);
        char& letter = token[token.size() - 10];
        letter = letter == 'A' ? 'B' : 'A';
        return token;
    };
    const std::string junk = forged("eve");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ask(junk).result_int(), 401u) << "it is remembered, and not checked again";
    EXPECT_EQ(ask(forged("eva")).result_int(), 401u);
    const auto refused = ask(forged("ivy"));
    EXPECT_EQ(refused.result_int(), 429u);
    EXPECT_EQ(refused["Retry-After"], "1");
    EXPECT_EQ(refused["Connection"], "close");
    const json said = json::parse(refused.body());
    EXPECT_EQ(said["details"][0]["debug"]["reason"], "TOO_MANY_REQUESTS");
    EXPECT_NE(said["message"].get<std::string>().find("gateway-refused-tokens-per-address-max"),
              std::string::npos)
        << said;
    EXPECT_EQ(ask(known).result_int(), 200u) << "who is known there is not held up";
    EXPECT_EQ(limited("refused_tokens"), 1);
    EXPECT_EQ(limited("refused_tokens_of_all"), 0);
}

TEST_F(GatewayTest, GoodTokensThatAreNewUseNothingUp) {
    check_tokens();
    config.refused_tokens_per_address_max = 1;
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(post("GetScorecard", "{}", "application/json",
                       {{"Authorization", token_of("person-" + std::to_string(i))}})
                      .result_int(),
                  200u);
}

TEST_F(GatewayTest, WhatIsRefusedIsCountedByTheLimitThatItMet) {
    start();
    for (const std::string_view limit : limit_names)
        EXPECT_EQ(limited(std::string(limit)), 0) << limit;
    post("GetScorecard", std::string(5000, ' ') + "{}");
    EXPECT_EQ(limited("body_bytes"), 1);
    post("GetScorecard", "{}", "application/json", {{"X-Long", std::string(20'000, 'x')}});
    EXPECT_EQ(limited("header_bytes"), 1);
}

TEST_F(GatewayTest, AnAddressThatAsksTooOftenIsToConnectAnew) {
    config.requests_per_address_max = 1;
    start();
    Connection one(address());
    EXPECT_EQ(one.ask("/feeds/r/fr.atom"), 200u);
    EXPECT_EQ(one.ask("/feeds/r/fr.atom"), 200u);
    EXPECT_EQ(one.ask("/feeds/r/fr.atom"), 429u);
    EXPECT_EQ(one.ask("/livez"), 0u);
    EXPECT_EQ(limited("requests_of_address"), 1);
}

TEST_F(GatewayTest, ServesFeedsWithValidators) {
    const auto index = get("/feeds/r/fr.atom");
    EXPECT_EQ(index.result_int(), 200u);
    EXPECT_EQ(index.body(), "<feed>fr</feed>");
    EXPECT_EQ(index["Content-Type"], "application/atom+xml; charset=utf-8");
    EXPECT_EQ(index["ETag"], "\"v1\"");
    EXPECT_EQ(index["Cache-Control"], "max-age=5");
    EXPECT_EQ(get("/feeds/r/fr.atom", "\"v1\"").result_int(), 304u);
    EXPECT_EQ(publishing.feed_tags.front(), "v1");
    EXPECT_EQ(get("/feeds/r/fr.atom", "\"v0\"").result_int(), 200u);
    EXPECT_EQ(publishing.feed_page, 1);
    EXPECT_EQ(get("/feeds/r/fr.atom?page=2").result_int(), 200u);
    EXPECT_EQ(publishing.feed_page, 2);
    for (const char* page : {"0", "-1", "x", "", "2x", "10001"})
        EXPECT_EQ(get(std::string("/feeds/r/fr.atom?page=") + page).result_int(), 404u) << page;
    const auto alert = get("/feeds/r/alerts/a%2Fb.xml");
    EXPECT_EQ(alert.body(), "<alert>a/b</alert>");
    EXPECT_EQ(alert["Content-Type"], "application/cap+xml; charset=utf-8");
    const auto head = get("/feeds/r/fr.atom", "", http::verb::head);
    EXPECT_EQ(head.result_int(), 200u);
    EXPECT_EQ(head["Content-Length"], "15");
    const auto unknown = get("/feeds/x/fr.atom");
    EXPECT_EQ(unknown.result_int(), 404u);
    EXPECT_EQ(unknown["Content-Type"], "text/plain; charset=utf-8");
    EXPECT_TRUE(unknown.body().starts_with("There is no such feed"));
}

TEST_F(GatewayTest, AnIndexComesInThreeFormats) {
    const struct {
        const char* target;
        publishing_v1::FeedFormat format;
        const char* media_type;
        const char* shown_as;  // to a browser
    } formats[] = {
        {"/feeds/r/fr.atom", publishing_v1::FEED_FORMAT_ATOM, "application/atom+xml; charset=utf-8",
         "application/xml; charset=utf-8"},
        {"/feeds/r/fr.rss", publishing_v1::FEED_FORMAT_RSS, "application/rss+xml; charset=utf-8",
         "application/xml; charset=utf-8"},
        {"/feeds/r/fr.geojson", publishing_v1::FEED_FORMAT_GEOJSON, "application/geo+json",
         "application/json"},
    };
    for (const auto& one : formats) {
        EXPECT_EQ(get(one.target)["Content-Type"], one.media_type);
        EXPECT_EQ(publishing.feed_format, one.format);
        Request request{http::verb::get, one.target, 11};
        request.set(http::field::accept, "text/html,*/*;q=0.8");
        EXPECT_EQ(send(request)["Content-Type"], one.shown_as);
    }
    // Each is kept under its own name.
    EXPECT_EQ(publishing.feeds_sent, 3);
}

TEST_F(GatewayTest, AReaderMayGoByTheDateOfAFeed) {
    EXPECT_EQ(get("/feeds/r/fr.atom").count("Last-Modified"), 0U) << "it may change within it";
    const auto since = [&](const char* date, const char* tag = "") {
        Request request{http::verb::get, "/feeds/r/fr.atom", 11};
        if (*date) request.set(http::field::if_modified_since, date);
        if (*tag) request.set(http::field::if_none_match, tag);
        return send(request);
    };
    EXPECT_EQ(since("Sun, 06 Nov 2050 08:49:37 GMT").result_int(), 200U);
    publishing.feed_modified = 784111777;
    const auto first = since("");
    EXPECT_EQ(first["Last-Modified"], "Sun, 06 Nov 1994 08:49:37 GMT");
    for (const char* date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 00:00:00 GMT"}) {
        const auto same = since(date);
        EXPECT_EQ(same.result_int(), 304U) << date;
        EXPECT_EQ(same.body(), "");
        EXPECT_EQ(same["ETag"], "\"v1\"");
        EXPECT_EQ(same["Last-Modified"], first["Last-Modified"]);
    }
    for (const char* date : {"Sun, 06 Nov 1994 08:49:36 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
                             "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
                             "Sun, 06 Nov 1994 8:49:37 GMT ", "Sun, 31 Feb 2040 08:49:37 GMT",
                             "784111777", "now", "Sun, 06 nov 1994 08:49:37 GMT"})
        EXPECT_EQ(since(date).result_int(), 200U) << date;
    // The tag says more.
    EXPECT_EQ(since("Mon, 07 Nov 1994 00:00:00 GMT", "\"v0\"").result_int(), 200U);
    EXPECT_EQ(since("Thu, 01 Jan 1970 00:00:00 GMT", "\"v1\"").result_int(), 304U);
}

TEST_F(GatewayTest, PagesOfAnyOriginMayReadAFeed) {
    for (const char* target : {"/feeds/r/fr.atom", "/feeds/r/alerts/a.xml", "/feeds/x/fr.atom"}) {
        EXPECT_EQ(get(target)["Access-Control-Allow-Origin"], "*") << target;
        EXPECT_TRUE(std::string(get(target)["Access-Control-Expose-Headers"]).contains("ETag"));
        const auto asked = get(target, "", http::verb::options);
        EXPECT_EQ(asked.result_int(), 204U) << target;
        EXPECT_EQ(asked.count("Content-Length"), 0U);
        EXPECT_EQ(asked["Access-Control-Allow-Origin"], "*");
        EXPECT_EQ(asked["Access-Control-Allow-Methods"], "GET, HEAD");
        EXPECT_EQ(asked["Access-Control-Allow-Headers"], "If-None-Match, If-Modified-Since");
        const auto wrong = get(target, "", http::verb::delete_);
        EXPECT_EQ(wrong.result_int(), 405U);
        EXPECT_EQ(wrong["Allow"], "GET, HEAD, OPTIONS");
    }
    // Calls need a token, and are for nobody else's pages.
    EXPECT_EQ(get("/healthz").count("Access-Control-Allow-Origin"), 0U);
}

TEST_F(GatewayTest, AFeedsAddressThatIsNoTextIsOneThatDoesNotExist) {
    for (const char* target :
         {"/feeds/a%ffb/en-CA.atom", "/feeds/r/%c3.atom", "/feeds/r/a%ed%a0%80.atom",
          "/feeds/r/alerts/%ff.xml", "/feeds/%fe/alerts/x.xml"}) {
        const auto answer = get(target);
        EXPECT_EQ(answer.result_int(), 404u) << target;
        EXPECT_TRUE(answer.body().starts_with("There is no such ")) << target;
    }
    EXPECT_EQ(get("/feeds/r/fr.atom", "\"caf\xe9\"").result_int(), 200u);
    EXPECT_EQ(get("/feeds/r/fr.atom", "\"caf\xe9\", \"v1\"").result_int(), 304u);
}

// Publishing says each time whether it still holds.
TEST_F(GatewayTest, AFeedIsSentByPublishingOnceAndServedToAll) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/feeds/r/fr.atom").body(), "<feed>fr</feed>");
    EXPECT_EQ(get("/feeds/r/fr.atom", "\"v0\"").body(), "<feed>fr</feed>");
    EXPECT_EQ(publishing.feeds_sent, 1);
    EXPECT_EQ(get("/feeds/r/fr.atom", "\"v1\"").result_int(), 304u);
    EXPECT_EQ(get("/feeds/r/en.atom").body(), "<feed>en</feed>");
    EXPECT_EQ(publishing.feeds_sent, 2);
    publishing.feed_etag = "v2";
    const auto changed = get("/feeds/r/fr.atom", "\"v1\"");
    EXPECT_EQ(changed.body(), "<feed>fr</feed>");
    EXPECT_EQ(changed["ETag"], "\"v2\"");
    EXPECT_EQ(publishing.feeds_sent, 3);
    EXPECT_EQ(get("/feeds/r/fr.atom")["ETag"], "\"v2\"");
    EXPECT_EQ(publishing.feeds_sent, 3);
}

TEST(KeptDocuments, ThoseThatNobodyAsksForMakeRoom) {
    KeptDocuments kept;
    const auto document = [](std::size_t bytes) {
        return std::make_shared<const KeptDocuments::Document>("v1", std::string(bytes, 'x'));
    };
    kept.keep("polled", document(100));
    for (int i = 0; i < 1000; ++i) {
        kept.keep(std::to_string(i), document(10));
        ASSERT_NE(kept.find("polled"), nullptr);
    }
    EXPECT_EQ(kept.find("0"), nullptr);
    EXPECT_NE(kept.find("999"), nullptr);
    EXPECT_EQ(kept.bytes(), 100 + 10 * (KeptDocuments::documents_max - 1));
    for (int i = 0; i < 30; ++i) kept.keep("large", document(KeptDocuments::bytes_max / 2));
    kept.keep("larger", document(KeptDocuments::bytes_max));
    EXPECT_EQ(kept.bytes(), KeptDocuments::bytes_max);
    kept.keep("too large", document(KeptDocuments::bytes_max + 1));
    EXPECT_EQ(kept.find("too large"), nullptr);
    EXPECT_NE(kept.find("larger"), nullptr);
}

TEST_F(GatewayTest, ABrowserIsShownAFeedAndDoesNotSaveIt) {
    Request request{http::verb::get, "/feeds/r/fr.atom", 11};
    request.set(http::field::accept, "text/html,application/xhtml+xml,*/*;q=0.8");
    const auto shown = send(request);
    EXPECT_EQ(shown["Content-Type"], "application/xml; charset=utf-8");
    EXPECT_EQ(shown["Vary"], "Accept");
}

TEST_F(GatewayTest, TellsTheHealthOfEachService) {
    const auto response = get("/healthz");
    EXPECT_EQ(response.result_int(), 200u) << response.body();
    const json body = json::parse(response.body());
    EXPECT_EQ(body["status"], "serving");
    EXPECT_EQ(body["services"]["measurement"], "serving");
}

TEST_F(GatewayTest, CountsRequestsByServiceAndCodeFromZeroOn) {
    start();
    const auto requests = [&](const std::string& service, const std::string& code) {
        return tocsin::testing::metric_value(metrics, "tocsin_gateway_requests_total",
                                             {{"service", service}, {"code", code}});
    };
    EXPECT_EQ(requests("measurement", "unavailable"), 0);
    EXPECT_EQ(requests("feeds", "not_found"), 0);
    EXPECT_EQ(requests("ledger", "ok"), 0);
    get("/feeds/r/fr.atom");
    get("/feeds/x/fr.atom");
    post("NoSuchMethod", "{}");
    EXPECT_EQ(requests("feeds", "ok"), 1);
    EXPECT_EQ(requests("feeds", "not_found"), 1);
    const auto seconds = tocsin::testing::observed(metrics, "tocsin_gateway_request_seconds",
                                                   {{"service", "feeds"}});
    EXPECT_EQ(seconds->count, 2U);
}

TEST_F(GatewayTest, FinishesWhatIsUnderWayWhenItStops) {
    start();
    Response response;
    std::jthread client([&] { response = post("GetScorecard", R"({"messageId":"slow"})"); });
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    gateway->stop();
    client.join();
    EXPECT_EQ(response.result_int(), 200u);
    EXPECT_FALSE(response.keep_alive());
}

}  // namespace tocsin::gateway
