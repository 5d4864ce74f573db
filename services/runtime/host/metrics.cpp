#include "runtime/host/metrics.hpp"

#include "runtime/host/descriptors.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace tocsin::runtime {

namespace {

// The process figures that every Prometheus client exports, read from /proc at each scrape.
class ProcessFigures final : public prometheus::Collectable {
public:
    std::vector<prometheus::MetricFamily> Collect() const override {
        std::vector<prometheus::MetricFamily> families;
        std::ifstream file("/proc/self/stat");
        std::stringstream text;
        text << file.rdbuf();
        std::string line = text.str();
        const auto name_end = line.rfind(')');
        if (name_end == std::string::npos) return families;
        std::istringstream rest(line.substr(name_end + 2));
        std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
        if (fields.size() < 22) return families;
        const auto number = [&](std::size_t i) { return std::stod(fields[i]); };
        const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
        add(families, "process_cpu_seconds_total", "CPU time used, in seconds", true,
            (number(11) + number(12)) / ticks);
        add(families, "process_threads", "Threads", false, number(17));
        add(families, "process_start_time_seconds", "Start time, in seconds since 1970", false,
            boot_time() + number(19) / ticks);
        add(families, "process_virtual_memory_bytes", "Virtual memory", false, number(20));
        add(families, "process_resident_memory_bytes", "Resident memory", false,
            number(21) * static_cast<double>(sysconf(_SC_PAGESIZE)));
        std::error_code error;
        const std::filesystem::directory_iterator files("/proc/self/fd", error);
        if (!error)
            add(families, "process_open_fds", "Open file descriptors", false,
                static_cast<double>(std::distance(begin(files), end(files))));
        add(families, "process_max_fds", "Most file descriptors that may be open", false,
            static_cast<double>(descriptor_limit()));
        return families;
    }

private:
    static double boot_time() {
        std::ifstream file("/proc/stat");
        for (std::string word; file >> word;) {
            double seconds = 0;
            if (word == "btime" && file >> seconds) return seconds;
        }
        return 0;
    }
    static void add(std::vector<prometheus::MetricFamily>& families, const char* name,
                    const char* help, bool counter, double value) {
        prometheus::ClientMetric metric;
        if (counter)
            metric.counter.value = value;
        else
            metric.gauge.value = value;
        families.push_back(
            {name,
             help,
             counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
             {metric}});
    }
};

}  // namespace

// A connection takes a thread for as long as it lasts: one whose request is not there within a
// second is closed, and an answered one at once. So many threads, which cost next to nothing while
// they wait, that some hundreds of unfinished requests do not keep a scrape waiting.
static std::vector<std::string> served_at(const std::string& listen) {
    return {"listening_ports",    listen, "num_threads",       "64",
            "request_timeout_ms", "1000", "enable_keep_alive", "no"};
}

Metrics::Metrics(const std::string& listen)
    : registry_(std::make_shared<prometheus::Registry>()),
      process_(std::make_shared<ProcessFigures>()) {
    gauge("tocsin_build_info", "1, with the version as a label", {{"version", TOCSIN_VERSION}})
        .Set(1);
    if (listen.empty()) return;
    try {
        exposer_ = std::make_unique<prometheus::Exposer>(served_at(listen));
    } catch (const std::exception& error) {
        throw std::runtime_error("metrics-listen " + listen + ": cannot listen there");
    }
    exposer_->RegisterCollectable(registry_);
    exposer_->RegisterCollectable(process_);
}

Metrics::~Metrics() = default;

int Metrics::port() const {
    if (!exposer_) return 0;
    const auto ports = exposer_->GetListeningPorts();
    return ports.empty() ? 0 : ports.front();
}

prometheus::Counter& Metrics::counter(const std::string& name, const std::string& help,
                                      const prometheus::Labels& labels) {
    const std::lock_guard guard(mutex_);
    auto*& family = counters_[name];
    if (family == nullptr)
        family = &prometheus::BuildCounter().Name(name).Help(help).Register(*registry_);
    return family->Add(labels);
}

prometheus::Gauge& Metrics::gauge(const std::string& name, const std::string& help,
                                  const prometheus::Labels& labels) {
    const std::lock_guard guard(mutex_);
    auto*& family = gauges_[name];
    if (family == nullptr)
        family = &prometheus::BuildGauge().Name(name).Help(help).Register(*registry_);
    return family->Add(labels);
}

prometheus::Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                                          const prometheus::Labels& labels,
                                          const std::vector<double>& buckets) {
    const std::lock_guard guard(mutex_);
    auto*& family = histograms_[name];
    if (family == nullptr)
        family = &prometheus::BuildHistogram().Name(name).Help(help).Register(*registry_);
    return family->Add(labels, buckets);
}

}  // namespace tocsin::runtime
