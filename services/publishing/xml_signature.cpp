#include "publishing/xml_signature.hpp"

#include "content/cap.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace tocsin::publishing {
namespace {

using runtime::Time;

template <auto release>
struct Releasing {
    template <class Thing>
    void operator()(Thing* thing) const {
        release(thing);
    }
};
using OwnedBio = std::unique_ptr<BIO, Releasing<BIO_free_all>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, Releasing<EVP_PKEY_free>>;
using OwnedX509 = std::unique_ptr<X509, Releasing<X509_free>>;
using OwnedDocument = std::unique_ptr<xmlDoc, Releasing<xmlFreeDoc>>;
using OwnedBuffer = std::unique_ptr<xmlBuffer, Releasing<xmlBufferFree>>;
using OwnedContext = std::unique_ptr<xmlSecDSigCtx, Releasing<xmlSecDSigCtxDestroy>>;

// ---- keys and certificates, by OpenSSL

OwnedBio bio_of(std::string_view text) {
    return OwnedBio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

// OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

OwnedX509 x509_of(const std::string& pem) {
    return OwnedX509{PEM_read_bio_X509(bio_of(pem).get(), nullptr, no_passphrase, nullptr)};
}

std::string pem_of(X509* certificate) {
    const OwnedBio out{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(out.get(), certificate);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

Time asn1_time(const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return Time{std::chrono::seconds{timegm(&parts)}};
}

// ---- XML, by libxmlsec1

constexpr int parse_options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

bool start_library() {
    xmlInitParser();
    // Without a blank between two elements, as in the alert itself.
    xmlSecSetDefaultLineFeed(reinterpret_cast<const xmlChar*>(""));
    if (xmlSecInit() != 0) return false;
    // Its start sets one that prints to the terminal; what went wrong is said here.
    xmlSecErrorsSetCallback(
        [](const char*, int, const char*, const char*, const char*, int, const char*) {});
    return xmlSecCryptoAppInit(nullptr) == 0 && xmlSecCryptoInit() == 0;
}

// Once in a process, which two threads must not do at once; it stays.
bool library_started() {
    static const bool started = start_library();
    return started;
}

const xmlSecByte* xml_bytes(std::string_view text) {
    return reinterpret_cast<const xmlSecByte*>(text.data());
}
xmlSecSize xml_size(std::string_view text) { return static_cast<xmlSecSize>(text.size()); }

OwnedDocument parse_xml(std::string_view xml) {
    return OwnedDocument{
        xmlReadMemory(xml.data(), static_cast<int>(xml.size()), nullptr, "UTF-8", parse_options)};
}

// The frame of the signature, as the last child of the root; null: no memory.
xmlNode* add_frame(xmlDoc* document) {
    xmlNode* root = xmlDocGetRootElement(document);
    xmlNode* frame = xmlSecTmplSignatureCreate(document, xmlSecTransformExclC14NId,
                                               xmlSecTransformRsaSha256Id, nullptr);
    if (!root || !frame) return nullptr;
    xmlAddChild(root, frame);
    xmlNode* reference = xmlSecTmplSignatureAddReference(
        frame, xmlSecTransformSha256Id, nullptr, reinterpret_cast<const xmlChar*>(""), nullptr);
    if (!reference || !xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) ||
        !xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId))
        return nullptr;
    xmlNode* info = xmlSecTmplSignatureEnsureKeyInfo(frame, nullptr);
    xmlNode* data = info ? xmlSecTmplKeyInfoAddX509Data(info) : nullptr;
    return data && xmlSecTmplX509DataAddCertificate(data) ? frame : nullptr;
}

xmlSecKey* signing_key(const Certificate& certificate) {
    xmlSecKey* key =
        xmlSecCryptoAppKeyLoadMemory(xml_bytes(certificate.key), xml_size(certificate.key),
                                     xmlSecKeyDataFormatPem, nullptr, nullptr, nullptr);
    if (!key) return nullptr;
    for (const std::string& pem : certificate.chain)
        if (xmlSecCryptoAppKeyCertLoadMemory(key, xml_bytes(pem), xml_size(pem),
                                             xmlSecKeyDataFormatPem) < 0) {
            xmlSecKeyDestroy(key);
            return nullptr;
        }
    return key;
}

std::string element_text(xmlDoc* document, xmlNode* element) {
    const OwnedBuffer buffer{xmlBufferCreate()};
    if (!buffer || xmlNodeDump(buffer.get(), document, element, 0, 0) < 0) return {};
    return {reinterpret_cast<const char*>(xmlBufferContent(buffer.get())),
            static_cast<std::size_t>(xmlBufferLength(buffer.get()))};
}

}  // namespace

static std::expected<std::vector<std::string>, std::string> chain_of(const std::string& text) {
    constexpr std::size_t certificates_max = 8;
    const OwnedBio all = bio_of(text);
    std::vector<std::string> chain;
    std::vector<OwnedX509> read;
    while (OwnedX509 one{PEM_read_bio_X509(all.get(), nullptr, no_passphrase, nullptr)}) {
        if (!read.empty()) {
            const OwnedKey issuer{X509_get_pubkey(one.get())};
            if (X509_check_issued(one.get(), read.back().get()) != X509_V_OK || !issuer ||
                X509_verify(read.back().get(), issuer.get()) != 1)
                return std::unexpected(
                    "has certificates of which one is not issued by the next: put its own first");
        }
        chain.push_back(pem_of(one.get()));
        read.push_back(std::move(one));
        if (read.size() > certificates_max) break;
    }
    if (chain.empty() || chain.size() > certificates_max)
        return std::unexpected(
            "needs `certificates`, one to eight as PEM, its own first, then who issued it");
    return chain;
}

std::expected<Certificate, std::string> read_certificate(const std::string& key,
                                                         const std::string& chain) {
    const OwnedKey own{PEM_read_bio_PrivateKey(bio_of(key).get(), nullptr, no_passphrase, nullptr)};
    if (!own || EVP_PKEY_get_base_id(own.get()) != EVP_PKEY_RSA ||
        EVP_PKEY_get_bits(own.get()) < 2048 || EVP_PKEY_get_bits(own.get()) > 8192)
        return std::unexpected(
            "needs `key`, a private RSA key of 2048 to 8192 bits as PEM, without a passphrase");
    auto certificates = chain_of(chain);
    if (!certificates) return std::unexpected(std::move(certificates.error()));
    Certificate made{
        .key = key, .chain = std::move(*certificates), .from = {}, .until = Time::max()};
    for (std::size_t i = 0; i < made.chain.size(); ++i) {
        const OwnedX509 one = x509_of(made.chain[i]);
        if (i == 0 && X509_check_private_key(one.get(), own.get()) != 1)
            return std::unexpected("has a first certificate that is not that of its key");
        made.from = std::max(made.from, asn1_time(X509_get0_notBefore(one.get())));
        made.until = std::min(made.until, asn1_time(X509_get0_notAfter(one.get())));
    }
    return made;
}

std::string reason_invalid(const Certificate& certificate, Time when) {
    if (when >= certificate.until) return "has a certificate that has expired: renew it";
    if (when < certificate.from)
        return "has a certificate that is not valid yet: use the one before, or check the clock";
    return {};
}

bool verifies(std::string_view signed_alert, const std::vector<std::string>& chain) {
    if (!library_started() || chain.empty()) return false;
    const OwnedDocument document = parse_xml(signed_alert);
    xmlNode* root = document ? xmlDocGetRootElement(document.get()) : nullptr;
    xmlNode* signature = root ? xmlSecFindChild(root, xmlSecNodeSignature, xmlSecDSigNs) : nullptr;
    const OwnedContext context{xmlSecDSigCtxCreate(nullptr)};
    if (!signature || !context) return false;
    context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
    // By the certificate that is known, whatever the alert says.
    context->signKey =
        xmlSecCryptoAppKeyLoadMemory(xml_bytes(chain.front()), xml_size(chain.front()),
                                     xmlSecKeyDataFormatCertPem, nullptr, nullptr, nullptr);
    return context->signKey && xmlSecDSigCtxVerify(context.get(), signature) == 0 &&
           context->status == xmlSecDSigStatusSucceeded;
}

std::expected<std::string, std::string> sign_alert(std::string_view alert,
                                                   const Certificate& certificate) {
    constexpr const char* failed = "The XML signature failed. Inform an operator.";
    if (!library_started()) return std::unexpected("libxmlsec1 does not start. Reinstall it.");
    const OwnedDocument document = parse_xml(alert);
    if (!document) return std::unexpected("The alert is not well-formed. Inform an operator.");
    xmlNode* frame = add_frame(document.get());
    const OwnedContext context{xmlSecDSigCtxCreate(nullptr)};
    if (!frame || !context) return std::unexpected(failed);
    context->signKey = signing_key(certificate);
    if (!context->signKey || xmlSecDSigCtxSign(context.get(), frame) < 0)
        return std::unexpected(failed);
    std::string element = element_text(document.get(), frame);
    // As readers will see it: what is kept is never anything else.
    if (!content::is_signature(element) ||
        !verifies(content::signed_cap(alert, element), certificate.chain))
        return std::unexpected(failed);
    return element;
}

}  // namespace tocsin::publishing
