// The yaml-reader program reads manifests as kubectl does: a JSON list of texts comes in on standard input, and a JSON
// list with the documents of each text, or what is wrong with it, goes out on standard output.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	// JSON, with the digits that kubectl passes on.
	Documents []string `json:"documents"`
	Problem   string   `json:"problem,omitempty"`
	// Whether kubectl passes over a part of the text without a word.
	Incomplete bool `json:"incomplete,omitempty"`
}

// The size of the buffer in which kubectl looks for the beginning of JSON.
const lookAhead = 4096

// isIncomplete tells whether something follows the first document between two separators. Nothing else is read.
func isIncomplete(text string) bool {
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		chunk, err := reader.Read()
		if err != nil {
			return false
		}
		decoder := goyaml.NewDecoder(bytes.NewReader(chunk))
		var first, second any
		if err := decoder.Decode(&first); err == nil && !errors.Is(decoder.Decode(&second), io.EOF) {
			return true
		}
	}
}

func read(text string) answer {
	found := answer{Documents: []string{}}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), lookAhead)
	for {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			found.Incomplete = isIncomplete(text)
			return found
		}
		if err != nil {
			found.Problem = err.Error()
			return found
		}
		// Nothing but white space and comments.
		if len(document) != 0 && string(document) != "null" {
			found.Documents = append(found.Documents, string(document))
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
