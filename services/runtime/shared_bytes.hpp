// Bytes that never change, kept once in this process however many hold them: the text of a message
// is in the state and in the views of several services, and they are the same bytes.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

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
// it is read. Equal messages share them.
template <class Proto>
class Packed {
public:
    Packed() = default;  // An empty message.
    explicit Packed(const Proto& message) : bytes_(stable_bytes(message)) {}

    Proto get() const {
        Proto message;
        message.ParseFromString(*bytes_);
        return message;
    }
    // `change(Proto&)`.
    template <class Change>
    void edit(Change&& change) {
        Proto message = get();
        change(message);
        *this = Packed(message);
    }
    std::size_t size() const { return bytes_->size(); }

private:
    SharedBytes bytes_;
};

}  // namespace tocsin::runtime
