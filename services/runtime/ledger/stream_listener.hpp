// Rules that are also told of the records of a stream that others have decided on already: these
// are not met by react() here, since nothing is left to decide.
#pragma once

#include "runtime/ledger/decider.hpp"

namespace tocsin::runtime {

class StreamListener {
public:
    virtual ~StreamListener() = default;
    // On the ledger thread; also of a record that react() has met before.
    virtual void passed(const Foreign& record) const = 0;
};

}  // namespace tocsin::runtime
