// Bytes that never change, kept once in this process however many hold them: the text of a message
// is in the state and in the views of several services, and they are the same bytes.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::runtime {

// Thread-safe, as a shared_ptr is: copies may be made and dropped anywhere, one object is changed
// by one thread. A copy costs O(1).
class SharedBytes {
public:
    SharedBytes() = default;  // Empty, and holds nothing.
    // Finds the bytes among those that are held, by a hash and then byte for byte, or takes them
    // in. Costs O(size); may wait for another thread for the time of a look-up.
    explicit SharedBytes(std::string_view bytes);

    const std::string& operator*() const;
    const std::string* operator->() const { return &**this; }
    bool empty() const { return held_ == nullptr; }

private:
    std::shared_ptr<const std::string> held_;
};

// All that is held in this process now, each counted once. Costs no lock.
struct SharedTotals {
    std::size_t texts = 0;
    std::size_t bytes = 0;
};
SharedTotals shared_totals();

// The bytes of a message, the same for equal messages: maps are written in the order of their keys.
// Within one version of this program: nothing that is stored or signed goes by them.
std::string stable_bytes(const google::protobuf::MessageLite& message);

// A message kept as its bytes, which are a fraction of what it takes up parsed; it is parsed where
// it is read. A copy costs O(1) and shares them.
template <class Proto>
class Packed {
public:
    Packed() = default;  // An empty message.
    explicit Packed(const Proto& message) : size_(message.ByteSizeLong()) {
        auto bytes = std::make_shared_for_overwrite<char[]>(size_);
        message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.get()));
        bytes_ = std::move(bytes);
    }

    Proto get() const {
        Proto message;
        message.ParseFromArray(bytes_.get(), static_cast<int>(size_));
        return message;
    }
    // `change(Proto&)`.
    template <class Change>
    void edit(Change&& change) {
        Proto message = get();
        change(message);
        *this = Packed(message);
    }
    std::size_t size() const { return size_; }

private:
    std::shared_ptr<const char[]> bytes_;
    std::size_t size_ = 0;
};

}  // namespace tocsin::runtime
