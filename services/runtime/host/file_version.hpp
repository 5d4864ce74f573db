// Whether a file is another one than it was, without reading it: whatever of it is changed, its
// owner and mode too, its status is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace tocsin::runtime {

struct FileVersion {
    // That of no file where there is none.
    static FileVersion of(const std::string& path);

    bool exists() const { return inode != 0; }
    bool operator==(const FileVersion&) const = default;

    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_seconds = 0, changed_nanoseconds = 0;
};

}  // namespace tocsin::runtime
