#include "runtime/ledger/refused_logs.hpp"

namespace tocsin::runtime {

std::string LogName::text() const {
    return partition == any ? topic : topic + "/" + std::to_string(partition);
}

void RefusedLogs::refused(const LogName& name, std::string why, bool needed, Tick tick) {
    Log& log = logs_[name];
    if (++log.times == 1) log.since = tick;
    log.last = tick;
    log.why = std::move(why);
    log.needed = needed;
}

void RefusedLogs::drop_quiet(Tick tick) {
    std::erase_if(logs_, [&](const auto& entry) {
        return !entry.second.needed && tick - entry.second.last >= quiet_most;
    });
}

bool RefusedLogs::lasts(const Log& log, Tick tick) {
    return log.times >= times_least && tick - log.since >= time_least;
}

std::optional<RefusedLog> RefusedLogs::first(Tick tick, bool needed) const {
    for (const auto& [name, log] : logs_)
        if ((log.needed || !needed) && lasts(log, tick)) return RefusedLog{name, log.why};
    return std::nullopt;
}

std::vector<RefusedLog> RefusedLogs::of_partition(int partition, Tick tick) const {
    std::vector<RefusedLog> found;
    for (const auto& [name, log] : logs_)
        if ((name.partition == partition || name.partition == LogName::any) && lasts(log, tick))
            found.push_back({name, log.why});
    return found;
}

}  // namespace tocsin::runtime
