// How each source does, as this instance sees it: written by the poller, read by calls, exported as
// metrics. An instance that does not lead a realm does not poll for it and knows nothing.
#pragma once

#include "runtime/metrics.hpp"
#include "trigger/source.hpp"
#include "trigger/view.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::trigger {

struct Health {
    std::optional<Time> last_read_at;  // time of the newest reading
    Time news_at;                      // when a reading was last new; at first when polling began
    std::int64_t polls = 0;
    std::int64_t readings = 0;
    std::int64_t skipped = 0;
    std::string error;
    bool polled_here = false;
};

// Thread-safe.
class HealthBook {
public:
    explicit HealthBook(runtime::Metrics& metrics);

    void began(const Wanted& wanted, Time now);
    void ended(const Wanted& wanted);
    // Time went by without a poll: the metrics grow older with it.
    void waited(const Wanted& wanted, Time now);
    // One poll: `taken` readings were new, the newest of all is of `newest`. Empty error: it went
    // well; `unchanged`: the server had nothing new to say.
    void took(const Wanted& wanted, std::int64_t taken, std::int64_t skipped,
              std::optional<Time> newest, Time now);
    void polled(const Wanted& wanted, const std::string& error, bool unchanged, Time now);

    v1::SourceHealth report(const std::string& realm, const v1::Source& source, Time now) const;

private:
    using Key = std::pair<std::string, std::string>;
    static Key key(const Wanted& wanted);
    static bool stale(const Health& health, const v1::Source& source, Time now);
    void publish(const Wanted& wanted, const Health& health, Time now);
    prometheus::Counter& readings(const std::string& outcome);
    prometheus::Counter& polls(const std::string& outcome);
    prometheus::Gauge& stale_gauge(const Wanted& wanted);
    prometheus::Gauge& age_gauge(const Wanted& wanted);

    runtime::Metrics& metrics_;
    mutable std::mutex mutex_;
    std::map<Key, Health> known_;
};

}  // namespace tocsin::trigger
