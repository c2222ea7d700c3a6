// Renders pods with Istio's own injector. Reads one JSON case a line from standard input and writes one JSON result a
// line to standard output, in the same order. The first line names the namespaces that exist.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"istio.io/istio/pkg/log"
)

// case is one pod with the settings under which it is injected. Settings that equal those of the line before are
// given once and left out afterwards.
type testCase struct {
	// Way is `file`, as istioctl kube-inject does it, or `webhook`.
	Way      string          `json:"way"`
	Settings *settings       `json:"settings"`
	Object   json.RawMessage `json:"object"`
	// Path is the path of the webhook's address.
	Path string `json:"path"`
}

// result is what became of a case: the injected object, or why there is none. Given is the pod as the webhook got it.
type result struct {
	Given   json.RawMessage `json:"given,omitempty"`
	Object  json.RawMessage `json:"object,omitempty"`
	Skipped bool            `json:"skipped,omitempty"`
	Error   string          `json:"error,omitempty"`
}

type opening struct {
	Namespaces map[string]map[string]string `json:"namespaces"`
}

func main() {
	// Standard output belongs to the results.
	logging := log.DefaultOptions()
	logging.OutputPaths = []string{"stderr"}
	logging.SetDefaultOutputLevel(log.OverrideScopeName, log.NoneLevel)
	if err := log.Configure(logging); err != nil {
		panic(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, 1<<20), 1<<28)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if err := serve(in, out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		out.Flush()
		os.Exit(1)
	}
}

func serve(in *bufio.Scanner, out *bufio.Writer) error {
	var first opening
	if !in.Scan() {
		return in.Err()
	}
	if err := json.Unmarshal(in.Bytes(), &first); err != nil {
		return fmt.Errorf("first line: %w", err)
	}
	injectors, err := newInjectors(first.Namespaces)
	if err != nil {
		return err
	}
	var using *installation
	for in.Scan() {
		var one testCase
		if err := json.Unmarshal(in.Bytes(), &one); err != nil {
			return fmt.Errorf("case: %w", err)
		}
		if one.Settings != nil {
			if using, err = one.Settings.install(); err != nil {
				return fmt.Errorf("settings: %w", err)
			}
		}
		answer, err := json.Marshal(injectors.inject(using, &one))
		if err != nil {
			return err
		}
		if _, err := out.Write(append(answer, '\n')); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return in.Err()
}
