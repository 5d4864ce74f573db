#include "content/content.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/evp.h>

#include <array>
#include <limits>
#include <stdexcept>

namespace tocsin::content {

std::string serialise(const Content& content) {
    std::string bytes;
    {
        google::protobuf::io::StringOutputStream stream{&bytes};
        google::protobuf::io::CodedOutputStream coded{&stream};
        // Without this, maps come out in the order of a hash table.
        coded.SetSerializationDeterministic(true);
        if (!content.SerializeToCodedStream(&coded)) throw std::length_error{"content too large"};
    }
    return bytes;
}

std::string digest(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error{"SHA-256 is not available"};
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", hash[i]);
    return hex;
}

std::expected<Content, std::string> parse(std::string_view bytes) {
    Content content;
    if (bytes.size() > std::numeric_limits<int>::max() ||
        !content.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return std::unexpected{"these bytes are not a message content"};
    // A field that this version does not know would be approved by people and never sent.
    Content known = content;
    known.DiscardUnknownFields();
    if (known.ByteSizeLong() != content.ByteSizeLong())
        return std::unexpected{"the content has fields that this version does not know"};
    if (serialise(content) != bytes)
        return std::unexpected{"the content was not written in its one stored form"};
    return content;
}

}  // namespace tocsin::content
