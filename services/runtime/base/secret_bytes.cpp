#include "runtime/base/secret_bytes.hpp"

#include <sodium.h>

#include <new>
#include <stdexcept>
#include <utility>

namespace tocsin::runtime {

SecretBytes::SecretBytes(std::size_t size) : data_(nullptr), size_(size) {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
    // Where the limit of locked memory is reached, it is memory that may be swapped.
    data_ = static_cast<unsigned char*>(sodium_malloc(size));
    if (data_ == nullptr) throw std::bad_alloc();
    sodium_memzero(data_, size);
}

SecretBytes::~SecretBytes() { sodium_free(data_); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

}  // namespace tocsin::runtime
