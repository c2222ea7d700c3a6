// The yaml-reader program reads manifests as kubectl does: a JSON list of texts comes in on standard input, and a JSON
// list with the documents of each text, or what is wrong with it, goes out on standard output.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Problem   string            `json:"problem,omitempty"`
}

// The size of the buffer in which kubectl looks for the beginning of JSON.
const lookAhead = 4096

func read(text string) answer {
	found := answer{Documents: []json.RawMessage{}}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), lookAhead)
	for {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			found.Problem = err.Error()
			return found
		}
		// Nothing but white space and comments.
		if len(document) != 0 && string(document) != "null" {
			found.Documents = append(found.Documents, document)
		}
	}
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, 0, len(texts))
	for _, text := range texts {
		answers = append(answers, read(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
