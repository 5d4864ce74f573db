#include "trigger/source.hpp"

#include "content/editors.hpp"
#include "runtime/ledger/refusals.hpp"
#include "trigger/sources.hpp"
#include "trigger/writing.hpp"

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

// A rule that reads the source would see no reading any more.
static std::optional<Rejection> require_readable_series(const Watching& watching,
                                                        const v1::PutSourceRequest& request) {
    std::optional<Rejection> refused;
    each_series_read(watching, request.source_id(), [&](const std::string& series, const auto& by) {
        if (series_problem(request.format(), series).empty()) return true;
        refused = Rejection{
            Because::failed_precondition, "source_in_use",
            fmt::format("rule `{}` reads `{}`, and `{}` has no series of such a name; remove the "
                        "rule, or let it read another source, first",
                        *by.begin(), series, request.format()),
            "format"};
        return false;
    });
    return refused;
}

static std::optional<Rejection> require_room_for_source(const Sources& sources,
                                                        const std::string& agency) {
    const std::size_t of_agency = sources.count([&](const SourceState& each) {
        return each.source.active() && each.source.agency_id() == agency;
    });
    return require_room("too_many_sources", "source", {sources.in_use(), sources_max},
                        {of_agency, sources_of_agency_max}, agency);
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

Verdict put_source(const Sources& sources, const Watching& watching, const Asking& asking,
                   const v1::PutSourceRequest& request) {
    const std::string& id = request.source_id();
    const SourceState* known = sources.find(id);
    if (auto no = require_writer(asking, "source", id, known ? &known->source : nullptr))
        return std::unexpected(*no);
    if (auto no = require_known_format(request.format())) return std::unexpected(*no);
    if (auto no = runtime::require_plain_url(request.url())) return std::unexpected(*no);
    if (auto no = require_readable_series(watching, request)) return std::unexpected(*no);
    if (!known || !known->source.active())
        if (auto no = require_room_for_source(sources, asking.agency)) return std::unexpected(*no);

    v1::Source source = source_of(request, asking.agency);
    const std::int64_t version = sources.last_version(id);
    if (known) *source.mutable_editors() = known->source.editors();
    if (known && MessageDifferencer::Equals(source, known->source)) return answer(id, version);
    if (!content::add_editor(source, asking.actor))
        return std::unexpected(
            runtime::too_many_editors("source", id, content::editors_max, "source_id"));
    v1::Event event;
    *event.mutable_source_put()->mutable_source() = std::move(source);
    return answer(id, version + 1, {std::move(event)});
}

Verdict remove_source(const Sources& sources, const Watching& watching, const Asking& asking,
                      const v1::RemoveSourceRequest& request) {
    const std::string& id = request.source_id();
    const SourceState* known = sources.find(id);
    if (auto no = require_writer(asking, "source", id, known ? &known->source : nullptr))
        return std::unexpected(*no);
    if (!known) return std::unexpected(runtime::no_such("source", id, "source_id"));
    if (!known->source.active()) return answer(id, known->version);
    if (const std::string reader = reader_of(watching, id); !reader.empty())
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

void evolve(Sources& sources, const v1::SourcePut& put) {
    const v1::Source& source = put.source();
    SourceState& known = sources.put(source.source_id());
    if (known.source.url() != source.url() || known.source.format() != source.format())
        known.address = known.version;
    known.source = source;
}

void evolve(Sources& sources, const v1::SourceRemoved& removed) {
    sources.edit(removed.source_id()).source.set_active(false);
    sources.remove(removed.source_id());
}

}  // namespace tocsin::trigger
