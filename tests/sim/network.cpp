#include "sim/network.hpp"

#include "sim/publishing_process.hpp"

namespace tocsin::sim {

using runtime::HttpError;
using runtime::HttpRequest;
using runtime::HttpResponse;

void Network::connect(const std::string& incarnation, PublishingProcess* process) {
    if (process != nullptr)
        processes_[incarnation] = process;
    else
        processes_.erase(incarnation);
}

void Network::turn() {
    while (!later_.empty() && later_.begin()->first <= around_.tick()) {
        auto task = later_.extract(later_.begin());
        task.mapped()();
    }
}

void Network::reply(const std::string& incarnation, int exchange, milliseconds after,
                    runtime::HttpResult result) {
    later_.emplace(around_.tick() + after,
                   [this, incarnation, exchange, result = std::move(result)]() mutable {
                       const auto there = processes_.find(incarnation);
                       if (there != processes_.end())
                           there->second->complete(exchange, std::move(result));
                   });
}

void Network::send(const std::string& incarnation, int exchange, HttpRequest request) {
    if (around_.chance(failing_ / 5))
        return reply(incarnation, exchange, some(400),
                     std::unexpected(HttpError{HttpError::Kind::not_sent, "away", {}}));
    // A name is looked for, a connection made, TLS agreed: at times that takes long.
    const milliseconds connecting = around_.chance(failing_ / 5) ? some(15'000) : some(20);
    later_.emplace(around_.tick() + connecting, [=, this, request = std::move(request)]() mutable {
        // A process that died meanwhile writes nothing.
        if (processes_.contains(incarnation)) write(incarnation, exchange, std::move(request));
    });
}

void Network::write(const std::string& incarnation, int exchange, HttpRequest request) {
    using Kind = HttpError::Kind;
    if (std::string said = request.veto ? request.veto() : std::string{}; !said.empty())
        return processes_.at(incarnation)
            ->complete(exchange, std::unexpected(HttpError{Kind::vetoed, std::move(said), {}}));
    // The adapter would take an exception for a failure of its own.
    if (const std::string why = fault_of(incarnation, request); !why.empty()) around_.broken(why);
    const int fault = around_.chance(failing_) ? 1 + around_.below(4) : -1;
    const milliseconds patience(1'000);
    if (fault == 1)
        return reply(incarnation, exchange, patience,
                     std::unexpected(HttpError{Kind::unknown_outcome, "lost", {}}));
    // A request may arrive when its sender has given up, but not for ever later.
    const int latest_ms = around_.chance(.3) ? 13'000 : 800;
    const milliseconds travel =
        fault == 2 ? milliseconds(200 + around_.below(latest_ms)) : some(60);
    const bool answer_lost = fault == 2 || fault == 4;
    later_.emplace(around_.tick() + travel,
                   [=, this, spoilt = fault == 3, request = std::move(request)] {
                       auto response = serve(request, spoilt);
                       if (!answer_lost)
                           reply(incarnation, exchange, some(60), std::move(response));
                   });
    if (answer_lost)
        reply(incarnation, exchange, patience,
              std::unexpected(HttpError{Kind::unknown_outcome, "lost", {}}));
}

HttpResponse Network::serve(const HttpRequest& request, bool spoilt) {
    return channels_.serve(request, spoilt ? around_.below(channels_.spoilt_ways) : -1,
                           around_.now());
}

}  // namespace tocsin::sim
