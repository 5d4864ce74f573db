# What the simulator compiles once more, with bugs that can be switched on: the protocol of a ledger
# and its driver, what stops a release and what a rule makes of its readings. In a library these
# sources share no object with any other, so that the simulator's can take their place.
set(TOCSIN_PLANTED_SOURCES
    runtime/ledger/chain runtime/ledger/fold runtime/ledger/forgotten runtime/ledger/ledger_calls
    runtime/ledger/partition runtime/ledger/partition_decide runtime/ledger/partition_inputs
    runtime/ledger/partition_upkeep runtime/ledger/waiters
    publishing/budgets publishing/channel_changes publishing/holds publishing/planning
    publishing/release publishing/repairing publishing/retraction publishing/stopping
    publishing/superseding publishing/wire
    trigger/evaluation trigger/known_waves trigger/rule_state trigger/waves trigger/window)
list(TRANSFORM TOCSIN_PLANTED_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/services/)
list(TRANSFORM TOCSIN_PLANTED_SOURCES APPEND .cpp)
set_source_files_properties(${TOCSIN_PLANTED_SOURCES} PROPERTIES TOCSIN_PLANTED ON)
