#include "bench/program.hpp"

#include "bench/waiting.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace tocsin::bench {

using namespace std::chrono_literals;

int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    close(socket);
    return ntohs(address.sin_port);
}

static std::vector<char*> passed_environment() {
    std::vector<char*> passed;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (!text.starts_with("TOCSIN_") && !text.starts_with("KAFKA_")) passed.push_back(*entry);
    }
    passed.push_back(nullptr);
    return passed;
}

Program::Program(const std::string& path, const std::vector<std::string>& arguments,
                 const std::string& log) {
    std::vector<char*> words{const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments)
        words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    auto environment = passed_environment();
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    started_ = Clock::now();
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("no process can be started");
    if (pid_ == 0) {
        // Only calls that are safe between fork and exec.
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        execve(path.c_str(), words.data(), environment.data());
        constexpr std::string_view why = "it cannot be executed\n";
        _exit(write(STDERR_FILENO, why.data(), why.size()) > 0 ? 127 : 126);
    }
    close(output);
}

Program::~Program() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

bool Program::running() {
    if (pid_ >= 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ >= 0;
}

static double resident_bytes(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) * 1024;
    throw std::runtime_error("a program ended while its memory was measured");
}

double Program::calm_resident_bytes() const {
    double last = 0;
    auto since = Clock::now();
    const bool calm = wait_until(120s, [&] {
        const double now = resident_bytes(pid_);
        if (std::abs(now - last) > last / 100) {
            last = now;
            since = Clock::now();
        }
        return Clock::now() - since > 3s;
    });
    if (!calm) throw std::runtime_error("the resident memory does not come to rest");
    return resident_bytes(pid_);
}

double Program::cpu_seconds() const {
    std::ifstream file(fmt::format("/proc/{}/stat", pid_));
    std::string all;
    std::getline(file, all);
    // Its name may hold blanks; what follows it has none.
    std::istringstream fields(all.substr(std::min(all.rfind(')') + 1, all.size())));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    if (!(fields >> user >> system))
        throw std::runtime_error("a program ended while its time was measured");
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void Program::end(int signal) {
    if (!running()) return;
    kill(pid_, signal);
    if (!wait_until(30s, [this] { return !running(); }))
        throw std::runtime_error(fmt::format("process {} does not end", pid_));
}

std::map<std::string, int> Program::read_ports(const std::string& path) {
    const bool there = wait_until(30s, [&] { return !running() || std::filesystem::exists(path); });
    if (!there || !running()) throw std::runtime_error("a program did not start");
    std::ifstream file(path);
    return nlohmann::json::parse(file).get<std::map<std::string, int>>();
}

}  // namespace tocsin::bench
