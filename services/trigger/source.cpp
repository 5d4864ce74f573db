#include "trigger/source.hpp"

#include "content/editors.hpp"
#include "runtime/ledger/refusals.hpp"
#include "trigger/decider.hpp"
#include "trigger/sources.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tocsin::trigger {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::reject;
using runtime::Rejection;

// ---- commands

// Every source is a connection and a metric.
static constexpr std::size_t sources_max = 200;
// Of these, one agency's: it leaves room for the others.
static constexpr std::size_t sources_of_agency_max = sources_max / 2;
// Many providers publish by the hour.
static constexpr double stale_seconds_usual = 2 * 3600;

static std::optional<Rejection> require_known_format(const std::string& format) {
    if (find_format(format) != nullptr) return std::nullopt;
    std::vector<std::string_view> names;
    for (const SourceFormat& each : source_formats()) names.push_back(each.name);
    return Rejection{
        Because::invalid_argument, "unknown_format",
        fmt::format("there is no format `{}`; name one of {}", format, fmt::join(names, ", ")),
        "format"};
}

// Everybody in the realm reads the URL, and it stays in the ledger. As the edge takes them, scheme
// and `://` are there.
static std::optional<Rejection> require_plain_url(const std::string& url) {
    const std::string rest = url.substr(url.find("://") + 3);
    const std::string authority = rest.substr(0, rest.find_first_of("/?#"));
    if (!authority.empty() && !authority.contains('@')) return std::nullopt;
    return Rejection{Because::invalid_argument, "url_with_secret",
                     "the URL names no host, or a user or password before it, which the whole "
                     "realm could read; write the host alone after `://`",
                     "url"};
}

// A rule that reads the source would see no reading any more.
static std::optional<Rejection> require_readable_series(const Watching& watching,
                                                        const v1::PutSourceRequest& request) {
    std::optional<Rejection> refused;
    each_series_read(watching, request.source_id(), [&](const std::string& series, const auto& by) {
        if (series_problem(request.format(), series).empty()) return true;
        refused = Rejection{
            Because::failed_precondition, "source_in_use",
            fmt::format("rule `{}` reads `{}`, and {} has no series of such a name; remove the "
                        "rule, or let it read another source, first",
                        *by.begin(), series, request.format()),
            "format"};
        return false;
    });
    return refused;
}

static std::optional<Rejection> require_room_for_source(const Sources& sources,
                                                        const std::string& agency) {
    if (sources.in_use() >= sources_max)
        return Rejection{Because::resource_exhausted, "too_many_sources",
                         fmt::format("the realm has {} sources, and can have no more; remove one "
                                     "that is no longer used",
                                     sources_max),
                         "source_id"};
    const std::size_t of_agency = sources.count([&](const SourceState& each) {
        return each.source.active() && each.source.agency_id() == agency;
    });
    if (of_agency < sources_of_agency_max) return std::nullopt;
    return Rejection{Because::resource_exhausted, "too_many_sources",
                     fmt::format("agency `{}` has {} of the {} sources that a realm can have, and "
                                 "can have no more; remove one that is no longer used",
                                 agency, sources_of_agency_max, sources_max),
                     "source_id"};
}

static v1::Source source_of(const v1::PutSourceRequest& request, const std::string& agency) {
    v1::Source source;
    source.set_source_id(request.source_id());
    source.set_agency_id(agency);
    source.set_format(request.format());
    source.set_url(request.url());
    source.set_poll_seconds(request.poll_seconds());
    source.set_stale_seconds(request.stale_seconds() > 0
                                 ? request.stale_seconds()
                                 : std::max(stale_seconds_usual, 3 * request.poll_seconds()));
    source.set_active(true);
    return source;
}

Verdict put_source(const State& state, const Asking& asking, const v1::PutSourceRequest& request) {
    if (auto no = runtime::require_role(asking, {"admin", "duty-officer"}))
        return std::unexpected(*no);
    const std::string& id = request.source_id();
    const SourceState* known = state.sources.find(id);
    if (known)
        if (auto no = runtime::require_owner(asking, "source", id, known->source.agency_id(),
                                             "source_id"))
            return std::unexpected(*no);
    if (auto no = require_known_format(request.format())) return std::unexpected(*no);
    if (auto no = require_plain_url(request.url())) return std::unexpected(*no);
    if (auto no = require_readable_series(state.watching, request)) return std::unexpected(*no);
    if (!known || !known->source.active())
        if (auto no = require_room_for_source(state.sources, asking.agency))
            return std::unexpected(*no);

    v1::Source source = source_of(request, asking.agency);
    const std::int64_t version = last_version(known, state.forgotten_version);
    if (known) *source.mutable_editors() = known->source.editors();
    if (known && MessageDifferencer::Equals(source, known->source)) return answer(id, version);
    if (!content::add_editor(source, asking.actor))
        return std::unexpected(
            runtime::too_many_editors("source", id, content::editors_max, "source_id"));
    v1::Event event;
    *event.mutable_source_put()->mutable_source() = std::move(source);
    return answer(id, version + 1, {std::move(event)});
}

Verdict remove_source(const State& state, const Asking& asking,
                      const v1::RemoveSourceRequest& request) {
    if (auto no = runtime::require_role(asking, {"admin", "duty-officer"}))
        return std::unexpected(*no);
    const std::string& id = request.source_id();
    const SourceState* known = state.sources.find(id);
    if (!known)
        return std::unexpected(
            runtime::no_such("source", id, "source_id", "list the sources for the right id"));
    if (auto no =
            runtime::require_owner(asking, "source", id, known->source.agency_id(), "source_id"))
        return std::unexpected(*no);
    if (!known->source.active()) return answer(id, known->version);
    if (const std::string reader = reader_of(state.watching, id); !reader.empty())
        return reject(Because::failed_precondition, "source_in_use",
                      fmt::format("rule `{}` reads source `{}`; remove the rule, or let it read "
                                  "another source, first",
                                  reader, id),
                      "source_id");
    v1::Event event;
    event.mutable_source_removed()->set_source_id(id);
    return answer(id, known->version + 1, {std::move(event)});
}

// ---- events

void evolve(State& state, const v1::SourcePut& put) {
    const v1::Source& source = put.source();
    const std::string& id = source.source_id();
    const auto version = last_version(state.sources.find(id), state.forgotten_version) + 1;
    SourceState& known = state.sources.put(id);
    if (known.source.url() != source.url() || known.source.format() != source.format())
        known.address = version;
    known.source = source;
    known.version = version;
}

void evolve(State& state, const v1::SourceRemoved& removed) {
    SourceState& known = state.sources.edit(removed.source_id());
    known.source.set_active(false);
    ++known.version;
    state.forgotten_version =
        std::max(state.forgotten_version, state.sources.remove(removed.source_id()));
}

}  // namespace tocsin::trigger
