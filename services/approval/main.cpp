#include "approval/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(
        argc, argv, "tocsin-approval",
        "Collects the approvals that a message needs, each for its exact bytes.",
        {tocsin::approval::service()});
}
