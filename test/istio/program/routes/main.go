// routes translates Services, VirtualServices and DestinationRules as istiod does for the proxy of one pod. Each line of standard input is a mesh;
// the line of standard output for it has the proxy's listeners, routes, clusters and endpoints, or what Istio's own validation says against it.
package main

import (
	"encoding/json"
	"errors"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pilot/pkg/serviceregistry/provider"
	"istio.io/istio/pilot/pkg/xds/endpoints"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/host"
	"istio.io/istio/pkg/config/protocol"
	"istio.io/istio/pkg/test"

	"sidecar-injector.test/istio/program/lines"
)

type port struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
}

type endpoint struct {
	Address string            `json:"address"`
	Labels  map[string]string `json:"labels"`
}

type service struct {
	Host      string     `json:"host"`
	Name      string     `json:"name"`
	Namespace string     `json:"namespace"`
	Address   string     `json:"address"`
	Ports     []port     `json:"ports"`
	Endpoints []endpoint `json:"endpoints"`
}

type mesh struct {
	Services  []service         `json:"services"`
	Objects   []json.RawMessage `json:"objects"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

type output struct {
	Refused   string            `json:"refused,omitempty"`
	Listeners []json.RawMessage `json:"listeners,omitempty"`
	Routes    []json.RawMessage `json:"routes,omitempty"`
	Clusters  []json.RawMessage `json:"clusters,omitempty"`
	Endpoints []json.RawMessage `json:"endpoints,omitempty"`
}

func main() {
	lines.Answer(translate)
}

func translate(given mesh) (output, error) {
	// JSON is YAML, and each object one document.
	texts := make([]string, 0, len(given.Objects))
	for _, object := range given.Objects {
		texts = append(texts, string(object))
	}
	objects, beyond, err := crd.ParseInputs(strings.Join(texts, "\n---\n"))
	if err != nil {
		return output{Refused: err.Error()}, nil
	}
	if len(beyond) > 0 {
		return output{}, errors.New("an object is of a kind that Istio does not know")
	}
	for index := range objects {
		objects[index].Domain = "cluster.local"
	}
	var made output
	err = test.Wrap(func(failer test.Failer) {
		made = resourcesOf(failer, given, objects)
	})
	return made, err
}

func resourcesOf(failer test.Failer, given mesh, objects []config.Config) output {
	options := core.TestOptions{Configs: objects}
	for _, one := range given.Services {
		called := &model.Service{
			Hostname:       host.Name(one.Host),
			DefaultAddress: one.Address,
			Resolution:     model.ClientSideLB,
			Attributes: model.ServiceAttributes{
				Name: one.Name, Namespace: one.Namespace, ServiceRegistry: provider.Kubernetes,
			},
		}
		for _, p := range one.Ports {
			called.Ports = append(called.Ports, &model.Port{Name: p.Name, Port: p.Number, Protocol: protocol.HTTP})
		}
		options.Services = append(options.Services, called)
		for _, p := range called.Ports {
			for _, e := range one.Endpoints {
				options.Instances = append(options.Instances, &model.ServiceInstance{
					Service: called, ServicePort: p,
					Endpoint: &model.IstioEndpoint{
						Addresses: []string{e.Address}, EndpointPort: uint32(p.Port), ServicePortName: p.Name, Labels: e.Labels, Namespace: one.Namespace,
					},
				})
			}
		}
	}
	generator := core.NewConfigGenTest(failer, options)
	proxy := generator.SetupProxy(&model.Proxy{
		ConfigNamespace: given.Namespace,
		Labels:          given.Labels,
		Metadata:        &model.NodeMetadata{Namespace: given.Namespace, Labels: given.Labels},
		IPAddresses:     []string{"10.0.9.9"},
	})
	var made output
	clusters := generator.Clusters(proxy)
	made.Listeners = write(failer, generator.Listeners(proxy))
	made.Routes = write(failer, generator.Routes(proxy))
	made.Clusters = write(failer, clusters)
	for _, one := range clusters {
		if one.GetType() != cluster.Cluster_EDS {
			continue
		}
		builder := endpoints.NewEndpointBuilder(one.Name, proxy, generator.PushContext())
		assignment := builder.BuildClusterLoadAssignment(generator.Env().EndpointIndex)
		made.Endpoints = append(made.Endpoints, write(failer, []proto.Message{assignment})...)
	}
	return made
}

func write[T proto.Message](failer test.Failer, messages []T) []json.RawMessage {
	all, err := lines.Texts(messages)
	if err != nil {
		failer.Fatal(err)
	}
	return all
}
