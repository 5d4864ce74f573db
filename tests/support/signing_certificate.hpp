// A key and certificates by which tests sign alerts: its own, and that of who issued it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace tocsin::test {

using PrivateKey = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

inline PrivateKey rsa_key(unsigned bits = 2048) { return {EVP_RSA_gen(bits), EVP_PKEY_free}; }
inline PrivateKey ec_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

inline std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    std::string text(bytes, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

inline std::string pem_of(const PrivateKey& key) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(bio);
}

// From `from` to `until`, in seconds since the epoch.
inline std::string certificate(const std::string& name, const PrivateKey& key,
                               const std::string& issuer, const PrivateKey& issuer_key,
                               long long from = 0, long long until = 4'000'000'000) {
    const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
    static int serial = 0;
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(made.get()), from);
    ASN1_TIME_set(X509_getm_notAfter(made.get()), until);
    X509_set_pubkey(made.get(), key.get());
    const auto put = [](X509_NAME* entry, const std::string& text) {
        X509_NAME_add_entry_by_txt(entry, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
    };
    put(X509_get_subject_name(made.get()), name);
    put(X509_get_issuer_name(made.get()), issuer);
    X509_EXTENSION* basic = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints,
                                                name == issuer ? "critical,CA:TRUE" : "CA:FALSE");
    X509_add_ext(made.get(), basic, -1);
    X509_EXTENSION_free(basic);
    X509_sign(made.get(), issuer_key.get(), EVP_sha256());
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, made.get());
    return text_of(bio);
}

// What the credential of a feed holds.
struct SigningPair {
    std::string key, own, authority;
    std::string chain() const { return own + authority; }
    // Members of its object.
    std::string members() const {
        const std::string all = nlohmann::json{{"key", key}, {"certificates", chain()}}.dump();
        return all.substr(1, all.size() - 2);
    }
};

inline SigningPair make_pair(long long from = 0, long long until = 4'000'000'000) {
    // RSA keys take long to make, and one is as good as another.
    static const PrivateKey own = rsa_key(), authority = rsa_key();
    return {pem_of(own), certificate("calgary", own, "authority", authority, from, until),
            certificate("authority", authority, "authority", authority)};
}

}  // namespace tocsin::test
