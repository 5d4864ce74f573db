// The process's limit of open files. gRPC 1.51 stops accepting for ever after one moment without a
// descriptor (CVE-2023-4785), so that nothing else may use up the last of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace tocsin::runtime {

// Raises the soft limit to the hard one, as a login or a unit rarely does. Why it cannot be raised;
// empty: it is as high as it gets.
std::string raise_descriptor_limit();

// The soft limit as it is now; an operator can change it while the process runs.
std::size_t descriptor_limit();

// What connections from outside must leave of `limit`: for gRPC, Kafka, files and channels.
std::size_t descriptor_reserve(std::size_t limit);

// How many of the `wanted` connections from outside have room; nothing: too few to serve anybody.
std::optional<std::size_t> connections_that_fit(std::size_t wanted, std::size_t limit);
// The limit below which there is nothing.
std::size_t descriptors_needed();

}  // namespace tocsin::runtime
