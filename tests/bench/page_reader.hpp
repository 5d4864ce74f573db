// How fast a server gives one page to readers that each keep a connection and ask again as soon as
// they have it.
#pragma once

#include <chrono>
#include <string>

namespace tocsin::bench {

struct Page {
    int port = 0;
    std::string path;
    std::string etag;  // that the reader has; empty: none, so that it gets all
};

// The entity tag of its present answer, in quotes.
std::string etag_of(const Page& page);

// Pages per second. Throws unless each answer is as the first, of this status.
double pages_per_second(const Page& page, int status, int readers, std::chrono::milliseconds time);

}  // namespace tocsin::bench
