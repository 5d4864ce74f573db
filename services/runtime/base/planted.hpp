// Planted bugs for the simulator's own test: each must be caught by it. The programs that ship are
// built without TOCSIN_PLANTED_BUGS, and none of them holds a bug that could be switched on.
#pragma once

namespace tocsin::runtime {

enum class Bug {
    none,
    no_chain,             // a record counts whatever it extends
    no_memory,            // requests are not remembered
    short_memory,         // forgotten before they expired
    no_expiry,            // an expired command is executed
    no_fold_again,        // nothing is folded again after another's record counted
    position_off_by_one,  // an input's position is one too far
    early_answer,         // the caller gets an answer before the decision was read back
    skip_head_check,      // a vanished tail of the ledger goes unnoticed
    clock_runs_back,      // decided_at follows the clock backwards
    lost_reactor,         // upstream decisions are taken from void records too
    effect_early,         // a claim is acted on before it was read back
    no_input_check,       // a vanished tail of an input goes unnoticed
    no_clock_check,       // an instance leads whatever its clock says
    override_forgets,     // after an override of the clock forgotten requests are executed again
    apply_early,          // who steps in applies its decision before it was read back
    fold_after_failure,   // a failed append throws the state away
    no_pass,              // input that leaves no record never moves the position
    reluctant_leads,      // an instance that cannot read an input keeps the lead
    token_early,          // a position counts as reached one decision too soon
    restart_to_end,       // an operator's restart skips what waits
    letter_unstored,      // an input is refused before its dead letter was stored
    old_key_counts,       // a key that was replaced goes on to count
    names_collide,        // a second process under one name goes on
    calls_linger,         // a call whose time is over goes on waiting
    other_body,           // a call gets the answer to another body that has its name
    other_partition,      // what a copy in another partition comes to is given as the answer
    cancel_refused,       // a release of which nothing left is not cancelled
    resolved_early,       // what is not there yet, and may still come, counts as not there
    retried_in_doubt,     // what a channel may have is sent again because a person wants it
    straggler_waits,      // by default all wait for those that are not ready
    straggler_lost,       // what was not ready at T0 never follows
    removal_ignored,      // what was armed for a channel that was removed goes there
    update_first,         // an update does not wait for what it updates
    budget_ignored,       // an account posts more than it may
    hold_ignored,         // what is on hold is sent all the same
    lifted_alone,         // who placed a hold lifts it
    earlier_goes_on,      // what was updated is sent again all the same
    led_elsewhere,        // a message goes to where its channel leads now, whatever was approved
    retraction_first,     // a retraction does not wait for what it takes back
    checked_early,        // the last check comes before the connection, not behind it
    retracts_one,         // a retraction leaves out all channels but the first
    age_ignored,          // a rule crosses at a reading however old it is
    gap_ignored,          // `for` runs on over a gap
    for_ignored,          // a rule crosses at the first reading at or above, whatever its `for`
    unsorted,             // readings are taken in the order in which they come
    hysteresis_ignored,   // a wave ends at once below the threshold
    wave_crossed_twice,   // that a wave was crossed at is forgotten at once
    revision_untold,      // nobody hears that a reading was corrected that was crossed at
    crossings_lost,       // half of all crossings
    never_crosses,        // all of them
    cooldown_forgets,     // what the cooldown kept back does not cross when it ends
    edit_forgets,         // an edited rule knows nothing of what it crossed at
};

#ifdef TOCSIN_PLANTED_BUGS
extern Bug planted_bug;
inline bool planted(Bug bug) { return planted_bug == bug; }
#else
constexpr bool planted(Bug) { return false; }
#endif

}  // namespace tocsin::runtime
