package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admission "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pkg/cluster"
	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/inject"
	"istio.io/istio/pkg/kube/multicluster"
)

// injectors are Istio's webhooks by revision, which istiod is started with.
type injectors struct {
	client   kube.Client
	webhooks map[string]*webhook
}

type webhook struct {
	mux     *http.ServeMux
	config  *configSource
	mesh    *meshSource
	current *installation
}

// configSource hands a webhook its configuration at once, where istiod watches files or a ConfigMap.
type configSource struct {
	current *installation
	handler func(*inject.Config, string) error
}

func (c *configSource) SetHandler(handler func(*inject.Config, string) error) { c.handler = handler }
func (c *configSource) Run(<-chan struct{})                                   {}
func (c *configSource) Get() (*inject.Config, string, error) {
	return c.current.config, c.current.values, nil
}

// meshSource does the same for mesh configuration.
type meshSource struct {
	meshwatcher.TestWatcher
	current  *meshconfig.MeshConfig
	handlers []func()
}

func (m *meshSource) Mesh() *meshconfig.MeshConfig { return m.current }
func (m *meshSource) AddMeshHandler(handler func()) *mesh.WatcherHandlerRegistration {
	m.handlers = append(m.handlers, handler)
	return nil
}

// clusterNames are those that settings and addresses of cases use; all have the same namespaces.
var clusterNames = []cluster.ID{constants.DefaultClusterName, "west", "c1"}

func newInjectors(namespaces map[string]map[string]string) (*injectors, error) {
	var objects []runtime.Object
	for name, annotations := range namespaces {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}})
	}
	return &injectors{kube.NewFakeClient(objects...), map[string]*webhook{}}, nil
}

func (i *injectors) webhook(using *installation) (*webhook, error) {
	found, ok := i.webhooks[using.revision]
	if !ok {
		var err error
		if found, err = i.newWebhook(using); err != nil {
			return nil, err
		}
		i.webhooks[using.revision] = found
	}
	if found.current != using {
		found.config.current, found.mesh.current, found.current = using, using.mesh, using
		if err := found.config.handler(using.config, using.values); err != nil {
			return nil, err
		}
		for _, handler := range found.mesh.handlers {
			handler()
		}
	}
	return found, nil
}

func (i *injectors) newWebhook(using *installation) (*webhook, error) {
	made := &webhook{
		mux:    http.NewServeMux(),
		config: &configSource{current: using},
		mesh:   &meshSource{TestWatcher: meshwatcher.NewTestWatcher(using.mesh), current: using.mesh},
	}
	env := &model.Environment{Watcher: made.mesh}
	env.SetPushContext(&model.PushContext{ProxyConfigs: &model.ProxyConfigs{}})
	// The webhook decides once, when it is made, whether it looks at namespaces and nodes.
	os.Setenv("PLATFORM", "openshift")
	native := features.EnableNativeSidecars
	features.EnableNativeSidecars = features.NativeSidecarModeEnabled
	clusters := multicluster.NewFakeController()
	_, err := inject.NewWebhook(inject.WebhookParameters{
		Watcher:      made.config,
		Env:          env,
		Mux:          made.mux,
		Revision:     using.revision,
		MultiCluster: clusters,
	})
	features.EnableNativeSidecars = native
	if err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	for _, name := range clusterNames {
		clusters.Add(name, i.client, stop)
	}
	i.client.RunAndWait(stop)
	return made, nil
}

func (i *injectors) inject(using *installation, one *testCase) (answer result) {
	// As the server of a webhook does.
	defer func() {
		if crash := recover(); crash != nil {
			answer = result{Error: fmt.Sprintf("panic: %v", crash)}
		}
	}()
	found, err := i.webhook(using)
	if err != nil {
		return result{Error: err.Error()}
	}
	using.enter()
	if one.Way == "file" {
		return injectFile(using, one.Object)
	}
	return found.review(one)
}

// injectFile does what istioctl kube-inject does with files alone.
func injectFile(using *installation, object []byte) result {
	manifest, err := yaml.JSONToYAML(object)
	if err != nil {
		return result{Error: err.Error()}
	}
	var out bytes.Buffer
	skipped := false
	warn := func(string) { skipped = true }
	err = inject.IntoResourceFile(nil, using.config.Templates, using.parsed, using.revision, using.mesh,
		bytes.NewReader(manifest), &out, warn)
	if err != nil {
		return result{Error: err.Error()}
	}
	text, err := yaml.YAMLToJSON(bytes.TrimSuffix(out.Bytes(), []byte("---\n")))
	if err != nil {
		return result{Error: err.Error()}
	}
	return result{Object: text, Skipped: skipped}
}

func (w *webhook) review(one *testCase) result {
	var pod corev1.Pod
	if err := json.Unmarshal(one.Object, &pod); err != nil {
		return result{Error: err.Error()}
	}
	// As the API server writes it.
	given, err := json.Marshal(&pod)
	if err != nil {
		return result{Error: err.Error()}
	}
	request := admission.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admission.AdmissionRequest{
			UID:       "1",
			Namespace: pod.Namespace,
			Operation: admission.Create,
			Object:    runtime.RawExtension{Raw: given},
		},
	}
	body, err := json.Marshal(request)
	if err != nil {
		return result{Error: err.Error()}
	}
	call := httptest.NewRequest(http.MethodPost, "http://localhost"+one.Path, bytes.NewReader(body))
	call.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.mux.ServeHTTP(answer, call)
	var review admission.AdmissionReview
	if err := json.Unmarshal(answer.Body.Bytes(), &review); err != nil {
		return result{Error: answer.Body.String()}
	}
	object, skipped, err := applyAnswer(given, review.Response)
	if err != nil {
		return result{Given: given, Error: err.Error()}
	}
	return result{Given: given, Object: object, Skipped: skipped}
}

func applyAnswer(object []byte, response *admission.AdmissionResponse) ([]byte, bool, error) {
	if response == nil {
		return nil, false, errors.New("no response")
	}
	if !response.Allowed {
		return nil, false, errors.New(response.Result.Message)
	}
	if len(response.Patch) == 0 {
		return object, true, nil
	}
	patch, err := jsonpatch.DecodePatch(response.Patch)
	if err != nil {
		return nil, false, err
	}
	patched, err := patch.Apply(object)
	return patched, false, err
}
