// Linearizability checks a history that the broker tests recorded: the answers of all clients must
// be those of one register per object that is replaced by compare-and-set, where each request takes
// effect at most once, between its first call and its first answer.
//
//	linearizability [-html FILE] [-limit DURATION] HISTORY
//
// Exits with 0 when it is so, with 1 when it is not (FILE then shows the first violation), and with
// 2 when the history cannot be read.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	html := flag.String("html", "", "where to draw a violation")
	limit := flag.Duration("limit", time.Minute, "how long to search per object")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	attempts, err := load(flag.Arg(0))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", flag.Arg(0), err)
		os.Exit(2)
	}
	findings := Check(attempts, *limit)
	for _, finding := range findings {
		fmt.Println(finding.text)
	}
	if *html != "" {
		if err := draw(findings, *html); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
	fmt.Printf("%d attempts are linearizable\n", len(attempts))
}

func load(path string) ([]Attempt, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	attempts, err := ReadAttempts(file)
	if err == nil && len(attempts) == 0 {
		err = fmt.Errorf("it is empty")
	}
	return attempts, err
}

func draw(findings []Finding, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	drawn, err := Visualise(findings, file)
	if !drawn && err == nil {
		return os.Remove(path)
	}
	return err
}
