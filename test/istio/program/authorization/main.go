// authorization translates AuthorizationPolicies as istiod does. Each line of standard input is a list of objects that govern one pod; the line of
// standard output for it has the filters of requests and of connections without HTTP.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	security "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/security/authz/builder"
	"istio.io/istio/pilot/pkg/security/trustdomain"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/util/protomarshal"
)

type object struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec json.RawMessage `json:"spec"`
}

type output struct {
	HTTP []json.RawMessage `json:"http"`
	TCP  []json.RawMessage `json:"tcp"`
}

func main() {
	log.FindScope(log.DefaultScopeName).SetOutputLevel(log.NoneLevel)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		result, err := translate(lines.Bytes())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			os.Exit(1)
		}
	}
}

func translate(line []byte) (output, error) {
	var objects []object
	if err := json.Unmarshal(line, &objects); err != nil {
		return output{}, err
	}
	var policies model.AuthorizationPoliciesResult
	for _, one := range objects {
		spec := &security.AuthorizationPolicy{}
		if err := protomarshal.Unmarshal(one.Spec, spec); err != nil {
			return output{}, err
		}
		policy := model.AuthorizationPolicy{
			Name: one.Metadata.Name, Namespace: one.Metadata.Namespace, Annotations: one.Metadata.Annotations, Spec: spec,
		}
		switch spec.Action {
		case security.AuthorizationPolicy_DENY:
			policies.Deny = append(policies.Deny, policy)
		case security.AuthorizationPolicy_AUDIT:
			policies.Audit = append(policies.Audit, policy)
		default:
			policies.Allow = append(policies.Allow, policy)
		}
	}
	made := output{HTTP: []json.RawMessage{}, TCP: []json.RawMessage{}}
	translator := builder.New(trustdomain.NewBundle("cluster.local", nil), nil, policies, builder.Option{})
	if translator == nil {
		return made, nil
	}
	for _, filter := range translator.BuildHTTP() {
		text, err := write(filter)
		if err != nil {
			return output{}, err
		}
		made.HTTP = append(made.HTTP, text)
	}
	for _, filter := range translator.BuildTCP() {
		text, err := write(filter)
		if err != nil {
			return output{}, err
		}
		made.TCP = append(made.TCP, text)
	}
	return made, nil
}

func write(message proto.Message) (json.RawMessage, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
}
