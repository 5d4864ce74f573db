// Every service and the gateway in one process: the form for one machine.
#include "approval/service.hpp"
#include "drafting/service.hpp"
#include "gateway/gateway.hpp"
#include "measurement/service.hpp"
#include "publishing/service.hpp"
#include "runtime/service.hpp"
#include "trigger/service.hpp"

int main(int argc, char** argv) {
    using namespace tocsin;
    return runtime::run(argc, argv, "tocsin-all", "every Tocsin service and the gateway",
                        {drafting::service(), approval::service(), publishing::service(),
                         measurement::service(), trigger::service()},
                        {gateway::sidecar()});
}
