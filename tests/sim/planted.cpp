#include "runtime/base/planted.hpp"

namespace tocsin::runtime {

Bug planted_bug = Bug::none;

}  // namespace tocsin::runtime
