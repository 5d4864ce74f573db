// What a post says, apart from how a server shows it.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::publishing {

// The text of a post without tags, entities and blanks, for comparing; servers reformat the rest.
std::string bare_text(std::string_view html);

}  // namespace tocsin::publishing
