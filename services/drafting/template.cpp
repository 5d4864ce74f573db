#include "drafting/template.hpp"

#include "content/check_template.hpp"
#include "content/editors.hpp"
#include "content/templates.hpp"
#include "drafting/findings.hpp"
#include "drafting/writing.hpp"
#include "runtime/base/validate.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::reject;
using runtime::Rejection;
using runtime::to_proto;

std::expected<content::v1::Draft, Rejection> filled_template(
    const Templates& templates, const Asking& asking, const v1::CreateMessageRequest& request,
    Time now) {
    const auto found = templates.find(request.template_id());
    if (found == templates.end())
        return std::unexpected(
            runtime::no_such("template", request.template_id(), "template_id",
                             "store it first, or start the message with a draft"));
    const v1::Template& source = found->second;
    auto filled = content::fill(source.draft(), {request.values().begin(), request.values().end()});
    if (!filled)
        return reject(Because::invalid_argument, "unfilled_placeholders",
                      fmt::format("some placeholders have no usable value; give one of plain text, "
                                  "at most {} bytes, for: {}",
                                  content::value_bytes_max, fmt::join(filled.error(), ", ")),
                      "values");
    // The values are the caller's words, and the fields that they fill have rules of their own.
    if (auto wrong = runtime::violations(*filled, true); !wrong.empty())
        return reject(Because::invalid_argument, "invalid_argument",
                      fmt::format("filled with these values, {}: {}", wrong.front().field,
                                  wrong.front().description),
                      "values");
    if (filled->agencies().empty()) filled->add_agencies(asking.agency);
    *filled->mutable_expires() =
        to_proto(now + std::chrono::seconds{source.expires_after_seconds()});
    return *filled;
}

// ---- commands

// Of one agency: none can keep another from storing its own.
static constexpr std::ptrdiff_t templates_max = 200;

static std::ptrdiff_t templates_of(const Templates& templates, std::string_view agency) {
    return std::ranges::count_if(
        templates, [&](const auto& entry) { return entry.second.agency() == agency; });
}

static constexpr std::size_t errors_listed_max = 10;

// Found while a person writes the template, not at a crossing.
static std::optional<Rejection> require_sound_placeholders(const content::v1::Draft& draft) {
    const auto gap = content::broken_gap(draft);
    if (!gap) return std::nullopt;
    return Rejection{Because::invalid_argument, "broken_placeholder",
                     fmt::format("nothing fills {}; write a placeholder as {{{{name}}}}, or leave "
                                 "the braces out",
                                 gap->words),
                     "draft." + gap->field};
}

// Checked as at a crossing, when no person corrects it.
static std::optional<Rejection> require_usable(std::string_view world, const Asking& asking,
                                               const v1::PutTemplateRequest& request, Time now) {
    content::v1::Draft draft = request.draft();
    if (draft.agencies().empty()) draft.add_agencies(asking.agency);
    *draft.mutable_expires() =
        to_proto(now + std::chrono::seconds{request.expires_after_seconds()});
    auto errors = content::template_errors(draft, now, world);
    if (errors.empty()) return std::nullopt;
    errors.resize(std::min(errors.size(), errors_listed_max));
    const std::string& field = errors.front().field;
    return Rejection{
        Because::invalid_argument, "template_unusable",
        fmt::format("no draft from this template could be submitted, whatever fills it; correct "
                    "it: {}",
                    listing(errors)),
        field == "expires" ? "expires_after_seconds" : "draft." + field};
}

// The version that the request stores: the next one of what it replaces, or the first.
static std::expected<std::int64_t, Rejection> version_to_store(
    const Templates& templates, const Asking& asking, const v1::PutTemplateRequest& request) {
    const std::string& id = request.template_id();
    const auto before = templates.find(id);
    if (before != templates.end()) {
        const v1::Template& stored = before->second;
        if (auto no =
                runtime::require_owner(asking, "template", id, stored.agency(), "template_id"))
            return std::unexpected(*no);
        if (request.etag().empty())
            return reject(Because::already_exists, "already_exists",
                          fmt::format("template `{}` exists; pass its etag to replace it, or "
                                      "choose another id",
                                      id),
                          "template_id");
        if (auto no = require_etag(request.etag(), stored.version(), "template", id))
            return std::unexpected(*no);
        return stored.version() + 1;
    }
    if (!request.etag().empty())
        return std::unexpected(runtime::no_such("template", id, "template_id",
                                                "leave the etag out to store a new one"));
    if (templates_of(templates, asking.agency) >= templates_max)
        return std::unexpected(
            runtime::no_room("too_many_templates", {.of = fmt::format("agency `{}`", asking.agency),
                                                    .bound = templates_max,
                                                    .things = "templates",
                                                    .remedy = "replace one that is no longer used",
                                                    .field = "template_id"}));
    return 1;
}

Verdict put_template(const Templates& templates, std::string_view world, const Asking& asking,
                     const v1::PutTemplateRequest& request, Time now) {
    if (auto no = require_writer(asking)) return std::unexpected(*no);
    if (auto no = require_room(request.draft())) return std::unexpected(*no);
    if (auto no = require_sound_placeholders(request.draft())) return std::unexpected(*no);
    if (auto no = require_own_evidence(request.draft().evidence(), {})) return std::unexpected(*no);
    const auto version = version_to_store(templates, asking, request);
    if (!version) return std::unexpected(version.error());
    if (auto no = require_usable(world, asking, request, now)) return std::unexpected(*no);

    v1::Event event = event_of({});
    v1::Template& stored = *event.mutable_template_stored()->mutable_template_();
    stored.set_template_id(request.template_id());
    stored.set_version(*version);
    *stored.mutable_draft() = request.draft();
    stored.set_expires_after_seconds(request.expires_after_seconds());
    for (const std::string& name : content::placeholders(request.draft()))
        stored.add_placeholders(name);
    stored.set_agency(asking.agency);
    *stored.mutable_update_time() = to_proto(now);
    if (const auto before = templates.find(request.template_id()); before != templates.end())
        *stored.mutable_editors() = before->second.editors();
    if (!content::add_editor(stored, asking.actor))
        return std::unexpected(runtime::too_many_editors("template", request.template_id(),
                                                         content::editors_max, "template_id"));
    return one(std::move(event), request.template_id(), *version);
}

// ---- events

void evolve(Templates& templates, const v1::TemplateStored& stored) {
    templates[stored.template_().template_id()] = stored.template_();
}

}  // namespace tocsin::drafting
