#include "runtime/host/replaced_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace tocsin::runtime {

static bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// The name lasts once its folder is stored.
static bool store_folder(const std::string& path) {
    const auto folder = std::filesystem::absolute(path).parent_path();
    const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return false;
    const bool stored = fsync(file) == 0;
    close(file);
    return stored;
}

std::string replace_file(const std::string& path, std::string_view bytes, mode_t mode) {
    const auto failed = [](const std::string& what) {
        return fmt::format("{}: cannot be written ({})", what, std::strerror(errno));
    };
    const std::string draft = path + ".new";
    unlink(draft.c_str());
    const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) return failed(draft);
    const bool stored = write_all(file, bytes) && fsync(file) == 0;
    close(file);
    if (!stored) return failed(draft);
    if (std::rename(draft.c_str(), path.c_str()) != 0 || !store_folder(path)) return failed(path);
    return {};
}

}  // namespace tocsin::runtime
