package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Attempt is one line of a history: one call of one client, as the client saw it.
type Attempt struct {
	Client    int    `json:"client"` // who called; may have several calls open
	Actor     string `json:"actor"`
	Object    string `json:"object"`     // what it is about; objects are independent of each other
	Op        string `json:"op"`         // put or get
	RequestID string `json:"request_id"` // of a put: names the request that this is an attempt of
	Etag      string `json:"etag"`       // of a put: the version it replaces; empty: there is none
	Value     string `json:"value"`      // of a put
	Call      int64  `json:"call"`       // monotonic, ns
	Return    int64  `json:"return"`     // monotonic, ns; meaningless where the outcome is unknown
	Outcome   string `json:"outcome"`    // ok, refused or unknown
	Reason    string `json:"reason"`     // of a refusal
	GotEtag   string `json:"got_etag"`   // of ok; of a get empty where the answer names none
	GotValue  string `json:"got_value"`  // of a get that is ok
}

const (
	put     = "put"
	get     = "get"
	end     = "end" // of the history; only the checker makes it
	ok      = "ok"
	refused = "refused"
	unknown = "unknown"
)

// When a request without an answer returns.
const never = math.MaxInt64

// Operation is what the model sees: a get, or a put with all its attempts.
type Operation struct {
	Attempt
	Attempts int
}

// ReadAttempts reads JSON lines.
func ReadAttempts(from io.Reader) ([]Attempt, error) {
	var attempts []Attempt
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		var attempt Attempt
		if err := json.Unmarshal(lines.Bytes(), &attempt); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if err := attempt.fault(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		attempts = append(attempts, attempt)
	}
	return attempts, lines.Err()
}

func (attempt Attempt) fault() error {
	switch {
	case attempt.Object == "":
		return fmt.Errorf("no object")
	case attempt.Op != put && attempt.Op != get:
		return fmt.Errorf("op %q", attempt.Op)
	case attempt.Op == put && attempt.RequestID == "":
		return fmt.Errorf("a put without request_id")
	case attempt.Outcome != ok && attempt.Outcome != refused && attempt.Outcome != unknown:
		return fmt.Errorf("outcome %q", attempt.Outcome)
	case attempt.Outcome != unknown && attempt.Return < attempt.Call:
		return fmt.Errorf("it returns before it is called")
	}
	return nil
}

// request names one request: the same id with another body is another request.
type request struct{ actor, id, object, etag, value string }

func (attempt Attempt) request() request {
	return request{attempt.Actor, attempt.RequestID, attempt.Object, attempt.Etag, attempt.Value}
}

func (attempt Attempt) answer() [4]string {
	return [4]string{attempt.Outcome, attempt.Reason, attempt.GotEtag, attempt.GotValue}
}

// Operations makes one operation of all attempts of a request, since it may take effect once only:
// after its first attempt was called and before the first answer returned. The later answers must
// be the first one again. A request without an answer stays open to the end; a get without one says
// nothing and is left out.
func Operations(attempts []Attempt) ([]Operation, []string) {
	var operations []Operation
	var faults []string
	places := map[request]int{}
	for _, attempt := range attempts {
		if attempt.Op == get {
			if attempt.Outcome != unknown {
				operations = append(operations, Operation{attempt, 1})
			}
			continue
		}
		if attempt.Outcome == unknown {
			attempt.Return = never
		}
		place, known := places[attempt.request()]
		if !known {
			places[attempt.request()] = len(operations)
			operations = append(operations, Operation{attempt, 1})
			continue
		}
		if fault := operations[place].merge(attempt); fault != "" {
			faults = append(faults, fault)
		}
	}
	return operations, append(faults, reusedAlone(operations)...)
}

func (operation *Operation) merge(attempt Attempt) string {
	operation.Attempts++
	if attempt.Call < operation.Call {
		operation.Call = attempt.Call
	}
	switch {
	case attempt.Outcome == unknown:
		return ""
	case operation.Outcome == unknown:
		attempt.Call = operation.Call
		operation.Attempt = attempt
		return ""
	case attempt.answer() != operation.answer():
		return fmt.Sprintf("request %s of %s on %s has two answers: %v and %v", attempt.RequestID,
			attempt.Actor, attempt.Object, operation.answer(), attempt.answer())
	case attempt.Return < operation.Return:
		operation.Return = attempt.Return
	}
	return ""
}

// reusedAlone finds requests that were refused as another one's id, where there is no other.
func reusedAlone(operations []Operation) []string {
	type name struct{ actor, id string }
	bodies := map[name]int{}
	for _, operation := range operations {
		bodies[name{operation.Actor, operation.RequestID}]++
	}
	var faults []string
	for _, operation := range operations {
		if operation.Reason == "REQUEST_ID_REUSED" &&
			bodies[name{operation.Actor, operation.RequestID}] < 2 {
			faults = append(faults, fmt.Sprintf("request %s of %s was refused as reused and is the "+
				"only one of its id", operation.RequestID, operation.Actor))
		}
	}
	return faults
}
