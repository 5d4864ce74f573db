// Bytes that nobody may find later: locked into memory, left out of core dumps as far as the
// system allows, and wiped when they go.
#pragma once

#include <cstddef>
#include <string_view>

namespace tocsin::runtime {

class SecretBytes {
public:
    // All zero. Throws std::bad_alloc without memory, std::runtime_error without libsodium.
    explicit SecretBytes(std::size_t size);
    ~SecretBytes();
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;

    unsigned char* data() { return data_; }
    const unsigned char* data() const { return data_; }
    std::size_t size() const { return size_; }
    std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
    // Gives up what is behind the first `size` bytes.
    void shorten(std::size_t size) { size_ = size; }

private:
    unsigned char* data_;
    std::size_t size_;
};

}  // namespace tocsin::runtime
