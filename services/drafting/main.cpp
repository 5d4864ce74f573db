#include "drafting/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-drafting",
                                "Writes messages until they are submitted, and shows where each "
                                "stands afterwards.",
                                {tocsin::drafting::service()});
}
