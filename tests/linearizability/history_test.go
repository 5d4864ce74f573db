package main

import (
	"strings"
	"testing"
)

func TestLinesAreRead(t *testing.T) {
	attempts, err := ReadAttempts(strings.NewReader(
		`{"client":3,"actor":"ann","object":"river","op":"put","request_id":"a","etag":"1",` +
			`"value":"x","call":5,"return":9,"outcome":"ok","got_etag":"2"}` + "\n"))
	if err != nil || len(attempts) != 1 {
		t.Fatalf("%v, %v", attempts, err)
	}
	want := Attempt{Client: 3, Actor: "ann", Object: "river", Op: put, RequestID: "a", Etag: "1",
		Value: "x", Call: 5, Return: 9, Outcome: ok, GotEtag: "2"}
	if attempts[0] != want {
		t.Errorf("%+v", attempts[0])
	}
}

func TestLinesThatMeanNothingAreRefused(t *testing.T) {
	for _, line := range []string{
		`{`, `{}`, `{"object":"river","op":"drop","outcome":"ok"}`,
		`{"object":"river","op":"put","outcome":"ok"}`,
		`{"object":"river","op":"get","outcome":"perhaps"}`,
		`{"object":"river","op":"get","outcome":"ok","call":9,"return":8}`,
	} {
		if _, err := ReadAttempts(strings.NewReader(line)); err == nil {
			t.Errorf("taken: %s", line)
		}
	}
}

func TestAttemptsOfARequestAreOneOperation(t *testing.T) {
	operations, faults := Operations([]Attempt{
		open(puts("a", "", "x", 1, 0)), puts("a", "", "x", 5, 9), puts("a", "", "x", 4, 8),
		open(puts("a", "", "x", 20, 0))})
	if len(operations) != 1 || len(faults) != 0 {
		t.Fatalf("%v, %v", operations, faults)
	}
	if one := operations[0]; one.Call != 1 || one.Return != 8 || one.Attempts != 4 {
		t.Errorf("%+v", one)
	}
}

func TestOneWithoutAnAnswerStaysOpen(t *testing.T) {
	operations, _ := Operations([]Attempt{open(puts("a", "", "x", 1, 2)), open(gets("", "", 1, 2))})
	if len(operations) != 1 || operations[0].Return != never {
		t.Errorf("%v", operations)
	}
}
