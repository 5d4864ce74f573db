#include "publishing/sealed.hpp"

namespace tocsin::publishing {

bool Sealed::intact() const {
    std::call_once(hashed_, [this] { intact_ = content::digest(bytes()) == digest_; });
    return intact_;
}

const std::expected<content::Content, std::string>& Approved::parsed() const {
    std::call_once(read_, [this] { parsed_ = content::parse(bytes()); });
    return *parsed_;
}

}  // namespace tocsin::publishing
