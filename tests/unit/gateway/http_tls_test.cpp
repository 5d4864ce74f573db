// The server by TLS: the same requests, answers and deadlines as in plain text.
#include "runtime/edge/jwk.hpp"
#include "unit/gateway/serving.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <fstream>

namespace tocsin::gateway {
namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;

// Signed by its own key.
std::string certificate_of(const std::string& key_pem) {
    const std::unique_ptr<BIO, int (*)(BIO*)> in(
        BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free);
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
        PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_sign(made.get(), key.get(), EVP_sha256());
    const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(out.get(), made.get());
    char* data = nullptr;
    const long length = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(length)};
}

std::unique_ptr<ServerTls> some_tls() {
    const std::string file = ::testing::TempDir() + "http_tls_test_" + std::to_string(getpid());
    const std::string key = runtime::make_issuer_key_pem();
    std::ofstream(file + ".key") << key;
    std::ofstream(file + ".pem") << certificate_of(key);
    return std::make_unique<ServerTls>(file + ".pem", file + ".key");
}

class TlsClient {
public:
    explicit TlsClient(Serving& served) {
        wire_.next_layer().connect(served.address());
        wire_.handshake(asio::ssl::stream_base::client);
    }
    void write(std::string_view bytes) { asio::write(wire_, asio::buffer(bytes)); }
    // What comes until the connection ends, and how it ended.
    std::string read_all(ErrorCode& ended) {
        std::string all;
        asio::read(wire_, asio::dynamic_buffer(all), ended);
        return all;
    }

private:
    asio::io_context io_;
    asio::ssl::context context_{asio::ssl::context::tls_client};
    asio::ssl::stream<tcp::socket> wire_{io_, context_};
};

std::string get(const std::string& target, const std::string& more = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

TEST(HttpTls, RequestsFollowEachOtherAndTheEndIsNoCut) {
    Serving served({}, some_tls());
    TlsClient client(served);
    client.write(get("/8") + get("/0"));
    client.write(get("/1", "Connection: close\r\n"));
    ErrorCode ended;
    const std::string said = client.read_all(ended);
    EXPECT_EQ(ended, asio::error::eof) << ended.message();
    EXPECT_NE(said.find(std::string(8 * mib, 'x')), said.npos);
    EXPECT_TRUE(said.ends_with(std::string(mib, 'x')));
    EXPECT_TRUE(until([&] { return served.connections() == 0; }));
}

TEST(HttpTls, ABodyInPiecesIsRead) {
    Serving served({}, some_tls());
    TlsClient client(served);
    client.write("POST /0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; ++i) client.write("1\r\na\r\n");
    client.write("0\r\n\r\n" + get("/0", "Connection: close\r\n"));
    ErrorCode ended;
    const std::string said = client.read_all(ended);
    EXPECT_EQ(ended, asio::error::eof) << ended.message();
    EXPECT_NE(said.find("200 OK", said.find("200 OK") + 1), said.npos) << said;
}

TEST(HttpTls, APeerThatSpeaksNoTlsIsClosed) {
    Serving served({.handshake = milliseconds(100)}, some_tls());
    asio::io_context io;
    tcp::socket silent(io), plain(io);
    for (tcp::socket* one : {&silent, &plain}) one->connect(served.address());
    asio::write(plain, asio::buffer(get("/0")));
    for (tcp::socket* one : {&silent, &plain}) {
        std::string said;
        ErrorCode ended;
        asio::read(*one, asio::dynamic_buffer(said), ended);
        EXPECT_EQ(said.find("HTTP"), said.npos) << said;
    }
    EXPECT_TRUE(until([&] { return served.connections() == 0; }));
}

TEST(HttpTls, EachStageHasItsTime) {
    Serving served({.idle = milliseconds(100), .write = milliseconds(50)}, some_tls());
    TlsClient silent(served), deaf(served);
    deaf.write(get("/8"));
    EXPECT_TRUE(until([&] { return served.times("write_time") == 1; }));
    EXPECT_TRUE(until([&] { return served.connections() == 0 && served.unsent() == 0; }));
}

}  // namespace
}  // namespace tocsin::gateway
