// What a request's head must not hold, whatever the reader after it would make of it: two readers
// that understand one head differently let somebody's request pass inside another's. Pure; runs
// before Beast sees a byte.
//
// Beast itself refuses a bad chunk, two different lengths and a length beside chunks. It takes an
// unknown Transfer-Encoding for "no body", joins folded lines, and asks for no Host.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

struct HeadFault {
    std::string field;  // header in lower case; empty: the request line, or no field at all
    std::string what;
};

// Of what has arrived so far, the end of the head may be missing: a byte that no head may hold,
// looked for from `begin` on.
std::optional<HeadFault> bytes_fault(std::string_view begun, std::size_t begin = 0);

// Of a whole head, with the empty line that ends it.
std::optional<HeadFault> head_fault(std::string_view head);

// Of what follows the last chunk, with the empty line that ends it. Its fields say nothing here,
// but each is to be one, in one line, as in a head.
std::optional<HeadFault> trailer_fault(std::string_view trailer);

}  // namespace tocsin::gateway
