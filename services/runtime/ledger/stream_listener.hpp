// Rules that also get the records of a stream that other instances have decided on already: react()
// does not see these here, since nothing is left to decide.
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
