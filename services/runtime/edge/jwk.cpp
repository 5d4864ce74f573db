#include "runtime/edge/jwk.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/edge/json_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>

namespace tocsin::runtime {

using nlohmann::json;
using KeyPointer = std::shared_ptr<EVP_PKEY>;

static constexpr std::size_t p256_bytes = 32;

using Builder = std::unique_ptr<OSSL_PARAM_BLD, void (*)(OSSL_PARAM_BLD*)>;

static KeyPointer public_key(const char* type, OSSL_PARAM_BLD* builder) {
    const std::unique_ptr<OSSL_PARAM, void (*)(OSSL_PARAM*)> params(
        OSSL_PARAM_BLD_to_param(builder), OSSL_PARAM_free);
    const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(
        EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
        return nullptr;
    return {key, EVP_PKEY_free};
}

// Null for a point that is not on the curve.
static KeyPointer p256_key(const std::string& x, const std::string& y) {
    if (x.size() != p256_bytes || y.size() != p256_bytes) return nullptr;
    const std::string point = "\x04" + x + y;
    const Builder builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
    return public_key("EC", builder.get());
}

static KeyPointer ed25519_key(const std::string& x) {
    if (x.size() != 32) return nullptr;
    EVP_PKEY* key = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x.data()), x.size());
    return key == nullptr ? nullptr : KeyPointer(key, EVP_PKEY_free);
}

using Number = std::unique_ptr<BIGNUM, void (*)(BIGNUM*)>;

static Number number_of(const std::string& bytes) {
    return {BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()), nullptr),
            BN_free};
}

static constexpr int rsa_bits_min = 2048;  // RFC 7518 section 3.3
static constexpr int rsa_bits_max = 8192;  // longer ones cost milliseconds for every token
static constexpr int rsa_exponent_bits_max = 32;

static std::expected<KeyPointer, std::string> rsa_key(const std::string& n, const std::string& e) {
    const Number modulus = number_of(n), exponent = number_of(e);
    const int bits = BN_num_bits(modulus.get());
    if (bits < rsa_bits_min || bits > rsa_bits_max)
        return std::unexpected(
            fmt::format("RSA of {} bits; {} to {} are taken", bits, rsa_bits_min, rsa_bits_max));
    // By the exponent 1 everything is its own signature.
    if (!BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
        BN_num_bits(exponent.get()) > rsa_exponent_bits_max)
        return std::unexpected("its modulus or exponent is none of RSA");
    const Builder builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
    KeyPointer key = public_key("RSA", builder.get());
    if (!key) return std::unexpected("it cannot be read");
    return key;
}

// What signs with a key of this type; empty for a type that is not known here.
static std::vector<std::string> algorithms_of(const json& key) {
    const std::string type = text_of(key, "kty"), curve = text_of(key, "crv");
    if (type == "EC" && curve == "P-256") return {"ES256"};
    if (type == "OKP" && curve == "Ed25519") return {"EdDSA"};
    if (type == "RSA") return {"RS256", "PS256"};
    return {};
}

// Why the issuer keeps the key from signatures; empty when it does not (RFC 7517 section 4).
static std::string other_purpose(const json& key) {
    if (key.contains("use") && text_of(key, "use") != "sig") return "its use is not sig";
    const auto operations = key.find("key_ops");
    if (operations == key.end()) return {};
    const bool verifies = operations->is_array() &&
                          std::ranges::find(*operations, json("verify")) != operations->end();
    return verifies ? "" : "its key_ops have no verify";
}

// A key whose numbers are none fails the whole set: half of a set would lock people out unseen.
static std::expected<KeyPointer, std::string> key_of(const json& one) {
    const std::string type = text_of(one, "kty");
    const auto number = [&](const char* name) {
        return unbase64url(text_of(one, name)).value_or("");
    };
    if (type == "RSA") return rsa_key(number("n"), number("e"));
    return type == "EC" ? p256_key(number("x"), number("y")) : ed25519_key(number("x"));
}

// A usable key, or why this one is passed over.
static std::expected<Jwk, std::string> read_key(const json& one,
                                                std::span<const std::string> algorithms) {
    if (const auto purpose = other_purpose(one); !purpose.empty()) return std::unexpected(purpose);
    Jwk key{text_of(one, "kid"), algorithms_of(one), nullptr};
    if (key.algorithms.empty()) return std::unexpected("it is not P-256, Ed25519 or RSA");
    if (one.contains("alg"))
        std::erase_if(key.algorithms,
                      [&](const auto& name) { return name != text_of(one, "alg"); });
    if (key.algorithms.empty()) return std::unexpected("its alg is of another purpose");
    std::erase_if(key.algorithms, [&](const std::string& name) {
        return std::ranges::find(algorithms, name) == algorithms.end();
    });
    if (key.algorithms.empty())
        return std::unexpected(fmt::format("no algorithm of it is among jwt-algorithms ({})",
                                           fmt::join(algorithms, ",")));
    auto made = key_of(one);
    if (!made) return std::unexpected(made.error());
    key.key = std::move(*made);
    return key;
}

static constexpr std::size_t reasons_bytes_max = 500;

std::expected<std::vector<Jwk>, std::string> read_jwks(const std::string& text,
                                                       std::span<const std::string> algorithms) {
    const json set = json::parse(text, nullptr, false);
    if (!set.is_object() || !set.contains("keys") || !set["keys"].is_array())
        return std::unexpected("not a JSON Web Key Set");
    std::vector<Jwk> keys;
    std::string passed_over;
    for (const json& one : set["keys"]) {
        if (!one.is_object()) return std::unexpected("a key is not an object");
        auto key = read_key(one, algorithms);
        if (!key) {
            if (passed_over.size() < reasons_bytes_max)
                passed_over += fmt::format("; {:.40}: {}", text_of(one, "kid"), key.error());
            continue;
        }
        if (!key->key) return std::unexpected("a key is not on its curve");
        keys.push_back(std::move(*key));
    }
    if (keys.empty()) return std::unexpected("no key in the set can be used" + passed_over);
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

static const char* key_type(std::string_view algorithm) {
    if (algorithm == "ES256") return "EC";
    if (algorithm == "EdDSA") return "ED25519";
    return algorithm == "RS256" || algorithm == "PS256" ? "RSA" : nullptr;
}

bool verify_signature(const std::string& algorithm, EVP_PKEY* key, std::string_view signed_text,
                      std::string_view signature) {
    const char* type = key_type(algorithm);
    if (type == nullptr || EVP_PKEY_is_a(key, type) != 1) return false;
    const bool rsa = type == std::string_view("RSA");
    const auto size = rsa ? static_cast<std::size_t>(EVP_PKEY_get_size(key)) : 2 * p256_bytes;
    if (signature.size() != size) return false;
    const std::string shown = algorithm == "ES256" ? der_of(signature) : std::string(signature);
    const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* how = nullptr;  // the context's own
    const EVP_MD* hash = algorithm == "EdDSA" ? nullptr : EVP_sha256();
    if (EVP_DigestVerifyInit(context.get(), &how, hash, nullptr, key) != 1) return false;
    if (rsa && EVP_PKEY_CTX_set_rsa_padding(
                   how, algorithm == "PS256" ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
        return false;
    // RFC 7518 section 3.5: the salt is as long as the hash.
    if (algorithm == "PS256" && EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) != 1)
        return false;
    return EVP_DigestVerify(
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
