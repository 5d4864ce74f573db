#include "publishing/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-publishing",
                                "Takes cleared messages to every channel at once, exactly once",
                                {tocsin::publishing::service()});
}
