#include "drafting/service.hpp"
#include "support/newer/newer.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-newer-drafting",
                                "The service drafting as its next release may be.",
                                {tocsin::testing::newer(tocsin::drafting::service())});
}
