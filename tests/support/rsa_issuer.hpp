// An identity provider that signs with RSA, as many do.
#pragma once

#include "runtime/base/digest.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <stdexcept>
#include <string>

namespace tocsin::test {

class RsaIssuer {
public:
    explicit RsaIssuer(int bits = 2048)
        : key_(EVP_RSA_gen(static_cast<unsigned>(bits)), EVP_PKEY_free) {}

    nlohmann::json jwk() const {
        return {{"kty", "RSA"},
                {"kid", "rsa"},
                {"n", number(OSSL_PKEY_PARAM_RSA_N)},
                {"e", number(OSSL_PKEY_PARAM_RSA_E)}};
    }

    // `salt`: bytes, of PS256 only.
    std::string sign(const std::string& algorithm, const std::string& text, int salt = 32) const {
        const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                         EVP_MD_CTX_free);
        EVP_PKEY_CTX* how = nullptr;
        EVP_DigestSignInit(context.get(), &how, EVP_sha256(), nullptr, key_.get());
        if (algorithm == "PS256") {
            EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt);
        }
        std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
        std::size_t size = signature.size();
        if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
            throw std::runtime_error("RSA does not sign");
        signature.resize(size);
        return signature;
    }

    std::string token(const std::string& algorithm, const nlohmann::json& claims) const {
        const nlohmann::json header{{"alg", algorithm}, {"kid", "rsa"}};
        const std::string text =
            runtime::base64url(header.dump()) + "." + runtime::base64url(claims.dump());
        return text + "." + runtime::base64url(sign(algorithm, text));
    }

private:
    std::string number(const char* name) const {
        BIGNUM* raw = nullptr;
        if (EVP_PKEY_get_bn_param(key_.get(), name, &raw) != 1)
            throw std::runtime_error("no RSA key");
        const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> value(raw, BN_free);
        std::string bytes(static_cast<std::size_t>(BN_num_bytes(value.get())), '\0');
        BN_bn2bin(value.get(), reinterpret_cast<unsigned char*>(bytes.data()));
        return runtime::base64url(bytes);
    }

    std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
};

}  // namespace tocsin::test
