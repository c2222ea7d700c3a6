// Package lines is what the translators have in common: each answers lines of standard input with lines of standard output.
package lines

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pkg/log"
)

// Answer gives each line of standard input, which is JSON, to translate, and writes what that returns as a line of standard output. At the first
// error the program ends with 1, and the error is on standard error. Istio's own log is silent.
func Answer[In, Out any](translate func(In) (Out, error)) {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	if err := answerAll(translate); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answerAll[In, Out any](translate func(In) (Out, error)) error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var given In
		if err := json.Unmarshal(in.Bytes(), &given); err != nil {
			return err
		}
		result, err := translate(given)
		if err != nil {
			return err
		}
		if err := out.Encode(result); err != nil {
			return err
		}
	}
	return in.Err()
}

// Texts returns messages as JSON with the names of fields that Envoy's files have.
func Texts[T proto.Message](messages []T) ([]json.RawMessage, error) {
	all := make([]json.RawMessage, 0, len(messages))
	for _, message := range messages {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}
