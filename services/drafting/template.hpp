// Templates: texts that are written before they are needed. Pure.
#pragma once

#include "content/content.hpp"
#include "drafting/event.hpp"

#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace tocsin::drafting {

using Templates = std::map<std::string, v1::Template>;  // by id

// The draft that a person starts a message with: the template of the request, filled with the
// values of the request.
std::expected<content::v1::Draft, runtime::Rejection> filled_template(
    const Templates& templates, const runtime::Asking& asking,
    const v1::CreateMessageRequest& request, Time now);

// ---- commands

Verdict put_template(const Templates& templates, std::string_view world,
                     const runtime::Asking& asking, const v1::PutTemplateRequest& request,
                     Time now);

// ---- events

void evolve(Templates& templates, const v1::TemplateStored& stored);

}  // namespace tocsin::drafting
