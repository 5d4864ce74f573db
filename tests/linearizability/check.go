package main

import (
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// Finding is what is wrong with one object, or with a request where `info` is nil.
type Finding struct {
	text string
	info *porcupine.LinearizationInfo
}

// Check returns what no order of the operations explains; `limit` bounds the search per object.
func Check(attempts []Attempt, limit time.Duration) []Finding {
	operations, faults := Operations(attempts)
	var findings []Finding
	for _, fault := range faults {
		findings = append(findings, Finding{fault, nil})
	}
	byObject := map[string][]porcupine.Operation{}
	for _, operation := range operations {
		byObject[operation.Object] = append(byObject[operation.Object], porcupine.Operation{
			Input: operation, Call: operation.Call, Return: operation.Return})
	}
	objects := make([]string, 0, len(byObject))
	for object := range byObject {
		objects = append(objects, object)
	}
	sort.Strings(objects)
	for _, object := range objects {
		history := closed(byObject[object])
		result, info := porcupine.CheckOperationsVerbose(model, history, limit)
		switch result {
		case porcupine.Ok:
		case porcupine.Illegal:
			text := fmt.Sprintf("%s: no order explains its %d operations%s", object, len(history)-1,
				stuck(history, info))
			findings = append(findings, Finding{text, &info})
		case porcupine.Unknown:
			text := fmt.Sprintf("%s: its %d operations are not checked within %s", object,
				len(history)-1, limit)
			findings = append(findings, Finding{text, nil})
		}
	}
	return findings
}

// closed is the history with its end, after all that returned. In the drawing each operation has
// the first row that is free.
func closed(history []porcupine.Operation) []porcupine.Operation {
	last := int64(0)
	var rows []int64 // when the last operation of each returns
	sort.SliceStable(history, func(a, b int) bool { return history[a].Call < history[b].Call })
	for number, operation := range history {
		row := 0
		for row < len(rows) && rows[row] >= operation.Call {
			row++
		}
		if row == len(rows) {
			rows = append(rows, 0)
		}
		rows[row] = operation.Return
		history[number].ClientId = row
		if operation.Return != never && operation.Return > last {
			last = operation.Return
		}
	}
	return append(history, porcupine.Operation{ClientId: len(rows), Call: last + 1,
		Input: Operation{Attempt: Attempt{Op: end}}, Return: last + 1})
}

// stuck names the last operation of the longest order that was found, and the first that returned
// and is not in it.
func stuck(history []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var longest []int
	for _, partition := range info.PartialLinearizations() {
		for _, order := range partition {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	placed := map[int]bool{}
	for _, number := range longest {
		placed[number] = true
	}
	left := -1
	for number := range history {
		if !placed[number] && (left < 0 || history[number].Return < history[left].Return) {
			left = number
		}
	}
	text := ""
	if len(longest) > 0 {
		text += fmt.Sprintf("\n  fits up to      %v", history[longest[len(longest)-1]].Input)
	}
	if left >= 0 {
		text += fmt.Sprintf("\n  finds no place  %v", history[left].Input)
	}
	return text
}

// Visualise writes porcupine's page about the first finding that has one.
func Visualise(findings []Finding, to io.Writer) (bool, error) {
	for _, finding := range findings {
		if finding.info != nil {
			return true, porcupine.Visualize(model, *finding.info, to)
		}
	}
	return false, nil
}
