#include "trigger/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-trigger",
                                "Watches gauges and turns crossings into drafts.",
                                {tocsin::trigger::service()});
}
