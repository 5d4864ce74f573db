#include "publishing/xml_signature.hpp"

#include "content/cap.hpp"
#include "support/sample_message.hpp"
#include "support/signing_certificate.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::publishing {
namespace {

using runtime::Time;
using test::certificate;
using test::pem_of;

std::string alert() {
    return content::cap_xml(content::samples::make_content(), content::samples::make_fixed());
}

Certificate read(const test::SigningPair& pair = test::make_pair()) {
    auto made = read_certificate(pair.key, pair.chain());
    EXPECT_TRUE(made) << made.error();
    return *made;
}

std::string signed_alert(const Certificate& certificate) {
    const auto signature = sign_alert(alert(), certificate);
    EXPECT_TRUE(signature) << signature.error();
    return content::signed_cap(alert(), *signature);
}

TEST(XmlSignature, IsEnvelopedAndHasTheChainInIt) {
    const Certificate certificate = read();
    const auto signature = sign_alert(alert(), certificate);
    ASSERT_TRUE(signature) << signature.error();
    EXPECT_TRUE(content::is_signature(*signature)) << *signature;
    for (const char* part :
         {R"(<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>)",
          R"(<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>)",
          R"(<Reference URI="">)",
          R"(<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>)",
          R"(<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>)"})
        EXPECT_TRUE(signature->contains(part)) << part << '\n' << *signature;
    std::size_t certificates = 0;
    for (std::size_t at = 0; (at = signature->find("<X509Certificate>", at)) != std::string::npos;
         ++at)
        ++certificates;
    EXPECT_EQ(certificates, 2U);
    const std::string whole = content::signed_cap(alert(), *signature);
    EXPECT_TRUE(whole.ends_with("</Signature></alert>\n"));
    EXPECT_TRUE(verifies(whole, certificate.chain));
}

TEST(XmlSignature, OfOneAlertByOneKeyIsAlwaysTheSame) {
    const Certificate certificate = read();
    EXPECT_EQ(sign_alert(alert(), certificate), sign_alert(alert(), certificate));
}

TEST(XmlSignature, NoByteOfWhatIsSaidCanBeChanged) {
    const Certificate certificate = read();
    const std::string whole = signed_alert(certificate);
    ASSERT_TRUE(verifies(whole, certificate.chain));
    const std::size_t end = whole.find("<Signature");
    // Letters and digits of texts, names and values: another of them is still XML.
    int changed = 0;
    for (std::size_t at = whole.find("<identifier>"); at < end; at += 7) {
        std::string other = whole;
        if (other[at] < '0' || other[at] > '9') continue;
        other[at] = other[at] == '9' ? '0' : static_cast<char>(other[at] + 1);
        EXPECT_FALSE(verifies(other, certificate.chain)) << other.substr(at, 40);
        ++changed;
    }
    EXPECT_GT(changed, 20);
    for (const char* part : {"<SignatureValue>", "<DigestValue>"}) {
        std::string other = whole;
        char& letter = other[other.find(part) + std::string(part).size() + 3];
        letter = letter == 'A' ? 'B' : 'A';
        EXPECT_FALSE(verifies(other, certificate.chain)) << part;
    }
    EXPECT_FALSE(verifies(alert(), certificate.chain)) << "it is not signed";
    std::string added = whole;
    added.insert(added.find("<Signature"), "<info/>");
    EXPECT_FALSE(verifies(added, certificate.chain));
}

TEST(XmlSignature, OfAnotherKeyIsNone) {
    const auto key = test::rsa_key();
    const std::string own = certificate("other", key, "other", key);
    const auto other = read_certificate(pem_of(key), own);
    ASSERT_TRUE(other) << other.error();
    EXPECT_FALSE(verifies(signed_alert(read()), other->chain));
    EXPECT_TRUE(verifies(signed_alert(*other), other->chain));
}

TEST(XmlSignature, WhatIsNoXmlIsNotSigned) {
    EXPECT_FALSE(sign_alert("<alert>", read()));
    EXPECT_FALSE(sign_alert("", read()));
}

TEST(XmlSignature, ADocumentOfTheLargestSizeIsSigned) {
    content::Content content = content::samples::make_content();
    content::Area& area = *content.mutable_draft()->mutable_areas(0);
    for (int i = 0; i < 14; ++i) {
        std::string polygon;
        while (polygon.size() < 19'000) polygon += "51.123456,-114.123456 ";
        area.add_polygons(polygon);
    }
    const std::string large = content::cap_xml(content, content::samples::make_fixed());
    ASSERT_GT(large.size(), 500'000U);
    const Certificate certificate = read();
    const auto signature = sign_alert(large, certificate);
    ASSERT_TRUE(signature) << signature.error();
    EXPECT_TRUE(verifies(content::signed_cap(large, *signature), certificate.chain));
}

TEST(SigningCertificate, ThoseThatCannotBeUsedAreRefusedWithAReason) {
    const test::SigningPair good = test::make_pair();
    const auto small = test::rsa_key(1024);
    const auto curve = test::ec_key();
    const auto other = test::rsa_key();
    const struct {
        std::string key, chain, why;
    } cases[] = {
        {"", good.chain(), "needs `key`"},
        {good.key, "", "needs `certificates`"},
        {good.key, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "needs `certificates`"},
        {pem_of(small), certificate("s", small, "s", small), "needs `key`"},
        {pem_of(curve), certificate("c", curve, "c", curve), "needs `key`"},
        {pem_of(other), good.chain(), "not that of its key"},
        {good.key, good.authority + good.own, "not issued by the next"},
        {good.key, good.own + certificate("x", other, "x", other), "not issued by the next"},
        // Of the issuer's name, and by another key.
        {good.key, good.own + certificate("authority", other, "authority", other),
         "not issued by the next"},
    };
    for (const auto& one : cases) {
        const auto made = read_certificate(one.key, one.chain);
        ASSERT_FALSE(made) << one.why;
        EXPECT_TRUE(made.error().contains(one.why)) << made.error();
        EXPECT_FALSE(made.error().contains("BEGIN"));
    }
}

TEST(SigningCertificate, HoldsFromItsFirstToItsLastSecond) {
    const auto second = [](int value) { return Time{std::chrono::seconds{value}}; };
    const Certificate made = read(test::make_pair(1000, 2000));
    EXPECT_TRUE(reason_invalid(made, second(999)).contains("not valid yet"));
    EXPECT_EQ(reason_invalid(made, second(1000)), "");
    EXPECT_EQ(reason_invalid(made, second(1999)), "");
    EXPECT_TRUE(reason_invalid(made, second(2001)).contains("has expired"));
    // The year 9999 is for ever.
    const Certificate lasting = read(test::make_pair(0, 253'402'300'799));
    EXPECT_EQ(reason_invalid(lasting, second(2'000'000'000)), "");
}

}  // namespace
}  // namespace tocsin::publishing
