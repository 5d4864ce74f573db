#include "runtime/refused_logs.hpp"

namespace tocsin::runtime {

void RefusedLogs::refused(const std::string& name, std::string why, bool needed, Tick tick) {
    Log& log = logs_[name];
    if (++log.times == 1) log.since = tick;
    log.why = std::move(why);
    log.needed = needed;
}

std::string RefusedLogs::first(Tick tick, bool needed) const {
    for (const auto& [name, log] : logs_)
        if ((log.needed || !needed) && log.times >= times_least && tick - log.since >= time_least)
            return log.why;
    return {};
}

}  // namespace tocsin::runtime
