// authorization translates AuthorizationPolicies as istiod does. Each line of standard input is a list of objects that govern one pod; the line of
// standard output for it has the filters of requests and of connections without HTTP.
package main

import (
	"encoding/json"

	security "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/security/authz/builder"
	"istio.io/istio/pilot/pkg/security/trustdomain"
	"istio.io/istio/pkg/util/protomarshal"

	"sidecar-injector.test/istio/program/lines"
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
	lines.Answer(translate)
}

func translate(objects []object) (output, error) {
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
	translator := builder.New(trustdomain.NewBundle("cluster.local", nil), nil, policies, builder.Option{})
	if translator == nil {
		return output{HTTP: []json.RawMessage{}, TCP: []json.RawMessage{}}, nil
	}
	http, err := lines.Texts(translator.BuildHTTP())
	if err != nil {
		return output{}, err
	}
	tcp, err := lines.Texts(translator.BuildTCP())
	return output{HTTP: http, TCP: tcp}, err
}
