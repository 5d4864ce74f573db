#include "runtime/base/shared_bytes.hpp"

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace tocsin::runtime {
namespace {

using Held = std::shared_ptr<const std::string>;

// Split, so that the ledger threads of several services seldom meet.
class Shard {
public:
    Held find_or_add(std::string_view bytes, std::size_t hash);

private:
    struct Forget {
        Shard& shard;
        std::size_t hash;
        void operator()(const std::string* bytes) const {
            shard.forget(bytes, hash);
            delete bytes;
        }
    };
    void forget(const std::string* bytes, std::size_t hash);

    std::mutex mutex_;
    // What is held, by hash. Different bytes of one hash: the later ones are not shared.
    absl::flat_hash_map<std::size_t, std::weak_ptr<const std::string>> known_;
};

std::atomic<std::size_t> texts_held{0};
std::atomic<std::size_t> bytes_held{0};

Held Shard::find_or_add(std::string_view bytes, std::size_t hash) {
    Held found;
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(hash);
        if (known != known_.end()) found = known->second.lock();
    }
    if (found && *found == bytes) return found;
    const Held added(new std::string(bytes), Forget{*this, hash});
    texts_held += 1;
    bytes_held += bytes.size();
    const std::lock_guard lock(mutex_);
    // Another thread may have taken in the same meanwhile: then they are held twice, which is
    // wasteful and not wrong.
    auto& place = known_[hash];
    if (place.expired()) place = added;
    return added;
}

void Shard::forget(const std::string* bytes, std::size_t hash) {
    texts_held -= 1;
    bytes_held -= bytes->size();
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(hash);
    // The place may have gone to others since.
    if (known != known_.end() && known->second.expired()) known_.erase(known);
}

// Never destroyed: what is held may outlive whatever is destroyed at exit.
std::array<Shard, 16>& shards() {
    static auto& all = *new std::array<Shard, 16>;
    return all;
}

}  // namespace

SharedBytes::SharedBytes(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::size_t hash = absl::Hash<std::string_view>{}(bytes);
    held_ = shards()[hash % shards().size()].find_or_add(bytes, hash / shards().size());
}

const std::string& SharedBytes::operator*() const {
    static const std::string nothing;
    return held_ ? *held_ : nothing;
}

std::string stable_bytes(const google::protobuf::MessageLite& message) {
    std::string bytes;
    {
        google::protobuf::io::StringOutputStream stream(&bytes);
        google::protobuf::io::CodedOutputStream out(&stream);
        out.SetSerializationDeterministic(true);
        message.SerializeToCodedStream(&out);
    }
    return bytes;
}

SharedTotals shared_totals() { return {texts_held, bytes_held}; }

}  // namespace tocsin::runtime
