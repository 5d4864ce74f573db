#include "runtime/jwk.hpp"

#include "runtime/digest.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace tocsin::runtime {

using nlohmann::json;
using KeyPointer = std::shared_ptr<EVP_PKEY>;

static constexpr std::size_t p256_bytes = 32;

static KeyPointer p256_key(const std::string& x, const std::string& y) {
    if (x.size() != p256_bytes || y.size() != p256_bytes) return nullptr;
    const std::string point = "\x04" + x + y;
    const std::unique_ptr<OSSL_PARAM_BLD, void (*)(OSSL_PARAM_BLD*)> builder(OSSL_PARAM_BLD_new(),
                                                                             OSSL_PARAM_BLD_free);
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
    const std::unique_ptr<OSSL_PARAM, void (*)(OSSL_PARAM*)> params(
        OSSL_PARAM_BLD_to_param(builder.get()), OSSL_PARAM_free);
    const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(
        EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY* key = nullptr;
    // Fails for a point that is not on the curve.
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
        return nullptr;
    return {key, EVP_PKEY_free};
}

static KeyPointer ed25519_key(const std::string& x) {
    if (x.size() != 32) return nullptr;
    EVP_PKEY* key = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x.data()), x.size());
    return key == nullptr ? nullptr : KeyPointer(key, EVP_PKEY_free);
}

static std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::expected<std::vector<Jwk>, std::string> read_jwks(const std::string& text) {
    const json set = json::parse(text, nullptr, false);
    if (!set.is_object() || !set.contains("keys") || !set["keys"].is_array())
        return std::unexpected("not a JSON Web Key Set");
    std::vector<Jwk> keys;
    for (const json& one : set["keys"]) {
        if (!one.is_object()) return std::unexpected("a key is not an object");
        const std::string type = text_of(one, "kty");
        const std::string curve = text_of(one, "crv");
        const auto x = unbase64url(text_of(one, "x"));
        const auto y = unbase64url(text_of(one, "y"));
        Jwk key{text_of(one, "kid"), "", nullptr};
        if (type == "EC" && curve == "P-256" && x && y) {
            key.algorithm = "ES256";
            key.key = p256_key(*x, *y);
        } else if (type == "OKP" && curve == "Ed25519" && x) {
            key.algorithm = "EdDSA";
            key.key = ed25519_key(*x);
        } else {
            continue;
        }
        if (!key.key) return std::unexpected("a key is not on its curve");
        keys.push_back(std::move(key));
    }
    if (keys.empty()) return std::unexpected("no P-256 or Ed25519 key in the set");
    return keys;
}

// JWS carries r and s side by side; OpenSSL wants them in DER.
static std::string der_of(std::string_view raw) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
    const std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)> signature(ECDSA_SIG_new(),
                                                                     ECDSA_SIG_free);
    ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes, p256_bytes, nullptr),
                   BN_bin2bn(bytes + p256_bytes, p256_bytes, nullptr));
    unsigned char* der = nullptr;
    const int length = i2d_ECDSA_SIG(signature.get(), &der);
    std::string result(reinterpret_cast<char*>(der), static_cast<std::size_t>(std::max(length, 0)));
    OPENSSL_free(der);
    return result;
}

static std::string raw_of(std::string_view der) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)> signature(
        d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())), ECDSA_SIG_free);
    std::string raw(2 * p256_bytes, '\0');
    auto* into = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), into, p256_bytes);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), into + p256_bytes, p256_bytes);
    return raw;
}

using DigestContext = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

bool verify_signature(const std::string& algorithm, EVP_PKEY* key, std::string_view signed_text,
                      std::string_view signature) {
    if (signature.size() != 64) return false;
    const bool es256 = algorithm == "ES256";
    const std::string shown = es256 ? der_of(signature) : std::string(signature);
    const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    return EVP_DigestVerifyInit(context.get(), nullptr, es256 ? EVP_sha256() : nullptr, nullptr,
                                key) == 1 &&
           EVP_DigestVerify(
               context.get(), reinterpret_cast<const unsigned char*>(shown.data()), shown.size(),
               reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1;
}

std::string make_issuer_key_pem() {
    const KeyPointer key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
    if (!key ||
        PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw std::runtime_error("a key cannot be made");
    char* data = nullptr;
    const long length = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(length)};
}

static KeyPointer private_key(const std::string& pem) {
    const std::unique_ptr<BIO, int (*)(BIO*)> in(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr);
    if (key == nullptr) throw std::runtime_error("not a PEM private key");
    return {key, EVP_PKEY_free};
}

static std::string public_point(EVP_PKEY* key) {
    unsigned char point[65];
    std::size_t length = 0;
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                        sizeof point, &length) != 1 ||
        length != sizeof point)
        throw std::runtime_error("not a P-256 key");
    return {reinterpret_cast<char*>(point) + 1, 64};
}

// The key's own RFC 7638 thumbprint names it.
static std::string kid_of(const std::string& x, const std::string& y) {
    return base64url(sha256(R"({"crv":"P-256","kty":"EC","x":")" + x + R"(","y":")" + y + R"("})"));
}

std::string jwks_of_pem(const std::string& pem) {
    const std::string point = public_point(private_key(pem).get());
    const std::string x = base64url(point.substr(0, p256_bytes));
    const std::string y = base64url(point.substr(p256_bytes));
    const json key{{"kty", "EC"},         {"crv", "P-256"}, {"alg", "ES256"}, {"use", "sig"},
                   {"kid", kid_of(x, y)}, {"x", x},         {"y", y}};
    return json{{"keys", {key}}}.dump(2) + "\n";
}

std::string issue_token(const std::string& pem, const std::string& claims_json) {
    const KeyPointer key = private_key(pem);
    const std::string point = public_point(key.get());
    const json header{{"alg", "ES256"},
                      {"typ", "JWT"},
                      {"kid", kid_of(base64url(point.substr(0, p256_bytes)),
                                     base64url(point.substr(p256_bytes)))}};
    const std::string signed_text = base64url(header.dump()) + "." + base64url(claims_json);
    const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::size_t length = 0;
    const auto* text = reinterpret_cast<const unsigned char*>(signed_text.data());
    if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &length, text, signed_text.size()) != 1)
        throw std::runtime_error("the token cannot be signed");
    std::string der(length, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &length, text,
                       signed_text.size()) != 1)
        throw std::runtime_error("the token cannot be signed");
    der.resize(length);
    return signed_text + "." + base64url(raw_of(der));
}

}  // namespace tocsin::runtime
