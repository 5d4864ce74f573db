package main

import (
	"bytes"
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"testing"
	"time"
)

func puts(id, etag, value string, call, end int64) Attempt {
	version, _ := strconv.Atoi(etag)
	return Attempt{Actor: "ann", Object: "river", Op: put, RequestID: id, Etag: etag, Value: value,
		Call: call, Return: end, Outcome: ok, GotEtag: strconv.Itoa(version + 1)}
}

func refuses(id, etag, reason string, call, end int64) Attempt {
	attempt := puts(id, etag, "value of "+id, call, end)
	attempt.Outcome, attempt.Reason, attempt.GotEtag = refused, reason, ""
	return attempt
}

func open(attempt Attempt) Attempt {
	attempt.Outcome, attempt.GotEtag = unknown, ""
	return attempt
}

func gets(etag, value string, call, end int64) Attempt {
	return Attempt{Actor: "bob", Object: "river", Op: get, Call: call, Return: end, Outcome: ok,
		GotEtag: etag, GotValue: value}
}

func absent(call, end int64) Attempt {
	attempt := gets("", "", call, end)
	attempt.Outcome, attempt.Reason = refused, "NOT_FOUND"
	return attempt
}

func elsewhere(attempt Attempt) Attempt {
	attempt.Object = "lake"
	return attempt
}

func TestGoodHistories(t *testing.T) {
	for name, history := range map[string][]Attempt{
		"one after another": {absent(0, 1), puts("a", "", "x", 2, 3), gets("1", "x", 4, 5),
			puts("b", "1", "y", 6, 7), gets("2", "y", 8, 9)},
		"a read beside a write sees the old": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 9),
			gets("1", "x", 3, 4)},
		"a read beside a write sees the new": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 9),
			gets("2", "y", 3, 4)},
		"one of two wins": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 5),
			refuses("c", "1", "STALE_ETAG", 2, 5), gets("2", "y", 6, 7)},
		"the loser answers first": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 9),
			refuses("c", "1", "STALE_ETAG", 2, 5)},
		"no answer, and it happened": {puts("a", "", "x", 0, 1), open(puts("b", "1", "y", 2, 0)),
			gets("1", "x", 3, 4), gets("2", "y", 5, 6)},
		"no answer, and it did not happen": {puts("a", "", "x", 0, 1),
			open(puts("b", "1", "y", 2, 0)), puts("c", "1", "z", 8, 9), gets("2", "z", 10, 11)},
		"the first attempt worked, the second tells": {puts("a", "", "x", 0, 1),
			open(puts("b", "1", "y", 2, 0)), gets("2", "y", 3, 4), puts("b", "1", "y", 5, 6)},
		"a repeat long after": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 3),
			puts("a", "", "x", 8, 9), gets("2", "y", 10, 11)},
		"an id with another body": {puts("a", "", "x", 0, 1),
			refuses("a", "", "REQUEST_ID_REUSED", 2, 3), gets("1", "x", 4, 5)},
		"refusals": {refuses("a", "4", "NOT_FOUND", 0, 1), puts("b", "", "x", 2, 3),
			refuses("c", "", "ALREADY_EXISTS", 4, 5), refuses("d", "7", "STALE_ETAG", 6, 7)},
		"objects are independent": {puts("a", "", "x", 0, 1), elsewhere(absent(2, 3))},
	} {
		for _, finding := range Check(history, time.Minute) {
			t.Errorf("%s: %s", name, finding.text)
		}
	}
}

func TestBadHistories(t *testing.T) {
	for name, history := range map[string][]Attempt{
		"a lost update": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 3),
			gets("1", "x", 4, 5)},
		"two updates of one version": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 5),
			puts("c", "1", "z", 2, 5)},
		"a stale read after an answer": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 3),
			gets("1", "x", 4, 5), gets("2", "y", 6, 7)},
		"a read that goes back": {puts("a", "", "x", 0, 1), open(puts("b", "1", "y", 2, 0)),
			gets("2", "y", 3, 4), gets("1", "x", 5, 6)},
		"it is not there after it was made": {puts("a", "", "x", 0, 1), absent(2, 3)},
		"a request that was executed twice": {puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 3),
			puts("b", "1", "y", 4, 5), gets("3", "y", 6, 7)},
		"executed twice, to another answer": {puts("a", "", "x", 0, 1),
			func() Attempt { again := puts("a", "", "x", 2, 3); again.GotEtag = "2"; return again }()},
		"a refused update shows": {puts("a", "", "x", 0, 1),
			refuses("b", "1", "STALE_ETAG", 2, 3), gets("2", "value of b", 4, 5)},
		"refused without a reason to": {puts("a", "", "x", 0, 1),
			refuses("b", "1", "STALE_ETAG", 2, 3)},
		"refused as existing before it exists": {refuses("a", "", "ALREADY_EXISTS", 0, 1),
			puts("b", "", "x", 2, 3)},
		"reused by nobody": {refuses("a", "", "REQUEST_ID_REUSED", 0, 1)},
		"a reused body that was executed": {puts("a", "", "x", 0, 1),
			refuses("a", "", "REQUEST_ID_REUSED", 2, 3), gets("1", "value of a", 4, 5)},
		"read before it was asked": {gets("1", "x", 0, 1), puts("a", "", "x", 2, 3)},
	} {
		if len(Check(history, time.Minute)) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestAViolationIsExplainedAndDrawn(t *testing.T) {
	findings := Check([]Attempt{puts("a", "", "x", 0, 1), puts("b", "1", "y", 2, 3),
		gets("1", "x", 4, 5)}, time.Minute)
	if len(findings) != 1 || !strings.Contains(findings[0].text, `get -> ok 1 "x"`) {
		t.Fatalf("said: %v", findings)
	}
	var page bytes.Buffer
	if drawn, err := Visualise(findings, &page); !drawn || err != nil {
		t.Fatalf("drawn %v, %v", drawn, err)
	}
	if !strings.Contains(page.String(), "<html") {
		t.Error("the page is no page")
	}
}

// simulated is what `clients` see of one register that works: each operation takes effect at a
// moment between its call and its return; some answers are lost, and those requests asked again.
func simulated(dice *rand.Rand, clients, operations int) []Attempt {
	var state register
	var history []Attempt
	now := int64(0)
	free := make([]int64, clients)
	known := make([]string, clients)
	for number := 0; number < operations; number++ {
		now += 1 + dice.Int63n(3)
		client := dice.Intn(clients)
		call := free[client] + 1
		if before := now - dice.Int63n(20); before > call {
			call = before
		}
		end := now + 1 + dice.Int63n(20)
		free[client] = end
		one := Attempt{Client: client, Actor: "ann", Object: "river", Call: call, Return: end}
		if call > now {
			continue
		}
		if dice.Intn(3) == 0 {
			one.Op, one.Outcome = get, ok
			one.GotEtag, one.GotValue = state.etag(), state.value
			if state.version == 0 {
				one.Outcome, one.Reason = refused, "NOT_FOUND"
			}
			known[client] = state.etag()
			history = append(history, one)
			continue
		}
		one.Op, one.RequestID = put, fmt.Sprint("request ", number)
		one.Etag, one.Value = known[client], fmt.Sprint("value ", number)
		switch {
		case one.Etag == state.etag():
			state = register{version: state.version + 1, value: one.Value}
			one.Outcome, one.GotEtag = ok, state.etag()
			known[client] = state.etag()
		case one.Etag == "":
			one.Outcome, one.Reason = refused, "ALREADY_EXISTS"
			known[client] = state.etag()
		default:
			one.Outcome, one.Reason = refused, "STALE_ETAG"
			known[client] = state.etag()
		}
		if dice.Intn(10) == 0 { // the answer is lost
			lost := one
			lost.Outcome, lost.Reason, lost.GotEtag = unknown, "", ""
			history = append(history, lost)
			if dice.Intn(3) == 0 { // for good
				continue
			}
			one.Call, one.Return = end+1, end+2
			free[client] = end + 2
		}
		history = append(history, one)
	}
	return history
}

func TestLongHistoriesPassUntilOneReadIsStale(t *testing.T) {
	for seed := int64(0); seed < 20; seed++ {
		history := simulated(rand.New(rand.NewSource(seed)), 8, 1000)
		for _, finding := range Check(history, 10*time.Second) {
			t.Fatalf("seed %d: %s", seed, finding.text)
		}
		last := history[len(history)-1].Return + 1000
		stale := gets("1", "of long ago", last, last+1)
		if len(Check(append(history, stale), 10*time.Second)) == 0 {
			t.Errorf("seed %d: a stale read is not found", seed)
		}
	}
}
