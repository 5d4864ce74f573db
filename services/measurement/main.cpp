#include "measurement/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(
        argc, argv, "tocsin-measurement",
        "Measures how long each message took, and shows how its deliveries ended.",
        {tocsin::measurement::service()});
}
