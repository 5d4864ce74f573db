// XML signatures of CAP alerts: enveloped, exclusive canonicalisation, RSA-SHA256, with the
// certificates in KeyInfo (XML-DSig). RSA's PKCS#1 v1.5 has no randomness: one key makes one
// signature of one alert, always. Any thread.
#pragma once

#include "runtime/base/time.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

// A private key and the certificates that vouch for it.
struct Certificate {
    std::string key;                 // PEM
    std::vector<std::string> chain;  // PEM, its own first, each issued by the next
    // When all of them are valid.
    runtime::Time from, until;
};

// `key`: an RSA key of 2,048 to 8,192 bits, as PEM without a passphrase. `chain`: PEM
// certificates, one to eight. The error says what is wrong, after the name of the credential, and
// nothing of what it holds.
std::expected<Certificate, std::string> read_certificate(const std::string& key,
                                                         const std::string& chain);
// Why nothing is signed by it at that time, in the same form; empty where something may be.
std::string reason_invalid(const Certificate& certificate, runtime::Time when);

// The `Signature` of the alert, which stands before its last end tag (content::signed_cap). It was
// verified there. The error is a sentence for a person.
std::expected<std::string, std::string> sign_alert(std::string_view alert,
                                                   const Certificate& certificate);
// Whether a signed alert is as it was signed, by the holder of the first certificate of `chain`.
bool verifies(std::string_view signed_alert, const std::vector<std::string>& chain);

}  // namespace tocsin::publishing
