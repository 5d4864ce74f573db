// A response's body that many connections may send at a time, held once: a Body as Beast wants it,
// as far as the session, which writes it by itself, has a use for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tocsin::gateway {

struct SharedBody {
    using value_type = std::shared_ptr<const std::string>;  // null: none

    static std::uint64_t size(const value_type& body) { return body ? body->size() : 0; }
};

}  // namespace tocsin::gateway
