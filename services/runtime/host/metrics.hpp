// Prometheus metrics of a process and the endpoint that serves them. Names are
// tocsin_<noun>_<unit>[_total], base units; labels are bounded. Thread-safe.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tocsin::runtime {

class Metrics {
public:
    // Serves http://`listen`/metrics; port 0 picks a free one. Empty: nothing is served.
    explicit Metrics(const std::string& listen);
    ~Metrics();

    // Port that is served; 0 for none.
    int port() const;
    prometheus::Registry& registry() { return *registry_; }

    // The same name and labels give the same object. The references live as long as this.
    prometheus::Counter& counter(const std::string& name, const std::string& help,
                                 const prometheus::Labels& labels = {});
    prometheus::Gauge& gauge(const std::string& name, const std::string& help,
                             const prometheus::Labels& labels = {});
    prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                     const prometheus::Labels& labels,
                                     const std::vector<double>& buckets);

private:
    std::mutex mutex_;
    std::shared_ptr<prometheus::Registry> registry_;
    std::map<std::string, prometheus::Family<prometheus::Counter>*> counters_;
    std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges_;
    std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms_;
    std::shared_ptr<prometheus::Collectable> process_;
    std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace tocsin::runtime
