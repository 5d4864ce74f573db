#include "measurement/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-measurement",
                                "Tells how long each message took and what became of it.",
                                {tocsin::measurement::service()});
}
