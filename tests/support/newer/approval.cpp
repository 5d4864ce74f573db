#include "approval/service.hpp"
#include "support/newer/newer.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-newer-approval",
                                "The service approval as its next release may be.",
                                {tocsin::testing::newer(tocsin::approval::service())});
}
