package main

import (
	"fmt"
	"strconv"

	"github.com/anishathalye/porcupine"
)

// register is the state of one object: absent at version 0. A put that names its version replaces
// it; the etag is the version in decimal.
type register struct {
	version int64
	value   string
	over    bool // all answers were given; what is still open did not happen
}

func (state register) etag() string {
	if state.version == 0 {
		return ""
	}
	return strconv.FormatInt(state.version, 10)
}

// step is the sequential specification: whether `operation` may have this outcome in `state`, and
// the state after it.
func (state register) step(operation Operation) (bool, register) {
	switch operation.Op {
	case get:
		return state.mayRead(operation), state
	case end:
		return true, register{over: true}
	}
	fits := operation.Etag == state.etag()
	after := register{version: state.version + 1, value: operation.Value}
	switch operation.Outcome {
	case ok:
		return fits && operation.GotEtag == after.etag(), after
	case refused:
		return state.mayRefuse(operation, fits), state
	default:
		// That it did not happen has one place only, after the end: the search would otherwise try
		// every subset of the open requests at every step.
		if state.over {
			return true, state
		}
		return fits, after
	}
}

func (state register) mayRead(operation Operation) bool {
	if operation.Outcome == refused {
		return operation.Reason == "NOT_FOUND" && state.version == 0
	}
	return state.version > 0 && operation.GotValue == state.value &&
		(operation.GotEtag == "" || operation.GotEtag == state.etag())
}

func (state register) mayRefuse(operation Operation, fits bool) bool {
	switch operation.Reason {
	case "ALREADY_EXISTS":
		return operation.Etag == "" && !fits
	case "STALE_ETAG":
		return operation.Etag != "" && state.version > 0 && !fits
	case "NOT_FOUND":
		return operation.Etag != "" && state.version == 0
	case "REQUEST_ID_REUSED":
		return true
	default: // No load asks for anything that is refused for another reason.
		return false
	}
}

var model = porcupine.Model{
	Init: func() interface{} { return register{} },
	Step: func(state, input, _ interface{}) (bool, interface{}) {
		fits, after := state.(register).step(input.(Operation))
		return fits, after
	},
	DescribeOperation: func(input, _ interface{}) string { return input.(Operation).String() },
	DescribeState: func(state interface{}) string {
		register := state.(register)
		switch {
		case register.over:
			return "over"
		case register.version == 0:
			return "absent"
		}
		return fmt.Sprintf("%d: %q", register.version, register.value)
	},
}

func (operation Operation) String() string {
	outcome := operation.Outcome
	if operation.Op == end {
		return "end"
	}
	if outcome == refused {
		outcome = operation.Reason
	}
	if operation.Op == get {
		return fmt.Sprintf("%d: get -> %s %s %q", operation.Client, outcome, operation.GotEtag,
			operation.GotValue)
	}
	return fmt.Sprintf("%d: put(%q, %q) -> %s %s [%s, attempts: %d]", operation.Client,
		operation.Etag, operation.Value, outcome, operation.GotEtag, operation.RequestID,
		operation.Attempts)
}
