// Every service and the gateway in one process: the form for one machine.
#include "all_services.hpp"
#include "gateway/gateway.hpp"
#include "runtime/service.hpp"

int main(int argc, char** argv) {
    using namespace tocsin;
    return runtime::run(argc, argv, "tocsin-all", "every Tocsin service and the gateway",
                        all_services(), {gateway::sidecar()});
}
