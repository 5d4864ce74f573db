#include "runtime/host/file_version.hpp"

#include <sys/stat.h>

namespace tocsin::runtime {

FileVersion FileVersion::of(const std::string& path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino, status.st_size, status.st_ctim.tv_sec,
            status.st_ctim.tv_nsec};
}

}  // namespace tocsin::runtime
