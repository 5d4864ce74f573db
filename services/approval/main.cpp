#include "approval/service.hpp"

int main(int argc, char** argv) {
    return tocsin::runtime::run(argc, argv, "tocsin-approval",
                                "Decides who may say yes to which exact words.",
                                {tocsin::approval::service()});
}
