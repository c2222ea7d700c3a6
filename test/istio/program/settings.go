package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"

	"sigs.k8s.io/yaml"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/manifests"
	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pkg/config/mesh"
	commonfeatures "istio.io/istio/pkg/features"
	"istio.io/istio/pkg/kube/inject"
)

const chart = "charts/istio-control/istio-discovery"

// templates are the chart's by name; a template of the values replaces the one of its name.
var templateFiles = map[string]string{
	"sidecar":     "injection-template.yaml",
	"gateway":     "gateway-injection-template.yaml",
	"grpc-simple": "grpc-simple.yaml",
	"grpc-agent":  "grpc-agent.yaml",
}

// settings are what an installation is given: Helm values, mesh configuration, and what istiod reads from its
// environment.
type settings struct {
	Values     map[string]any `json:"values"`
	MeshConfig map[string]any `json:"meshConfig"`
	Native     bool           `json:"native"`
	OpenShift  bool           `json:"openShift"`
	Compliance string         `json:"compliance"`
}

// installation is what the chart and istiod make of settings.
type installation struct {
	settings *settings
	config   *inject.Config
	values   string
	parsed   inject.ValuesConfig
	mesh     *meshconfig.MeshConfig
	revision string
}

// parsedConfigs keeps parsed templates: parsing them takes longer than everything else.
var parsedConfigs = map[string]*inject.Config{}

var chartDefaults = readChartDefaults()
var chartTemplates = readChartTemplates()

func readChartDefaults() map[string]any {
	text, err := manifests.FS.ReadFile(path.Join(chart, "values.yaml"))
	if err != nil {
		panic(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		panic(err)
	}
	return file["_internal_defaults_do_not_set"].(map[string]any)
}

func readChartTemplates() map[string]string {
	texts := map[string]string{}
	for name, file := range templateFiles {
		text, err := manifests.FS.ReadFile(path.Join(chart, "files", file))
		if err != nil {
			panic(err)
		}
		texts[name] = strings.TrimSpace(string(text))
	}
	return texts
}

// overlay merges values as Helm does: maps in depth, everything else is replaced, and null removes.
func overlay(below, above map[string]any) map[string]any {
	merged := make(map[string]any, len(below)+len(above))
	for key, value := range below {
		merged[key] = value
	}
	for key, value := range above {
		if value == nil {
			delete(merged, key)
			continue
		}
		lower, isMap := merged[key].(map[string]any)
		if upper, ok := value.(map[string]any); ok {
			if !isMap {
				lower = nil
			}
			merged[key] = overlay(lower, upper)
			continue
		}
		merged[key] = value
	}
	return merged
}

func pick(from map[string]any, keys ...string) map[string]any {
	picked := map[string]any{}
	for _, key := range keys {
		if value, ok := from[key]; ok {
			picked[key] = value
		}
	}
	return picked
}

func object(value any) map[string]any {
	found, _ := value.(map[string]any)
	return found
}

// install makes of settings what Helm writes into istiod's two ConfigMaps, and what istiod reads from them.
func (s *settings) install() (*installation, error) {
	// Istio's installers give the chart of istiod what is below pilot at the root.
	all := overlay(chartDefaults, overlay(s.Values, object(s.Values["pilot"])))
	global, webhook := object(all["global"]), object(all["sidecarInjectorWebhook"])
	reduced := pick(all, "global", "sidecarInjectorWebhook", "revision")
	reduced["pilot"] = pick(all, "cni", "env")
	reduced["gateways"] = pick(object(all["gateways"]), "securityContext", "seccompProfile")
	values, err := json.Marshal(reduced)
	if err != nil {
		return nil, err
	}
	parsed, err := inject.NewValuesConfig(string(values))
	if err != nil {
		return nil, err
	}
	templates := map[string]any{}
	for name, text := range chartTemplates {
		templates[name] = text
	}
	for name, text := range object(webhook["templates"]) {
		templates[name] = text
	}
	chosen := webhook["defaultTemplates"]
	if list, ok := chosen.([]any); !ok || len(list) == 0 {
		chosen = []any{"sidecar"}
	}
	file, err := json.Marshal(map[string]any{
		"defaultTemplates":     chosen,
		"policy":               object(global["proxy"])["autoInject"],
		"alwaysInjectSelector": webhook["alwaysInjectSelector"],
		"neverInjectSelector":  webhook["neverInjectSelector"],
		"injectedAnnotations":  webhook["injectedAnnotations"],
		"aliases":              webhook["aliases"],
		"templates":            templates,
	})
	if err != nil {
		return nil, err
	}
	config, ok := parsedConfigs[string(file)]
	if !ok {
		made, err := inject.UnmarshalConfig(file)
		if err != nil {
			return nil, err
		}
		config = &made
		parsedConfigs[string(file)] = config
	}
	revision, _ := all["revision"].(string)
	system, _ := global["istioNamespace"].(string)
	meshConfig, err := meshOf(s.MeshConfig, revision, system, global)
	if err != nil {
		return nil, err
	}
	return &installation{s, config, string(values), parsed, meshConfig, revision}, nil
}

func meshOf(own map[string]any, revision, system string, global map[string]any) (*meshconfig.MeshConfig, error) {
	host := "istiod"
	if revision != "" {
		host += "-" + revision
	}
	defaults := map[string]any{"discoveryAddress": fmt.Sprintf("%s.%s.svc:15012", host, system)}
	if id, _ := global["meshID"].(string); id != "" {
		defaults["meshId"] = id
	}
	if variant, _ := global["variant"].(string); variant != "" {
		defaults["image"] = map[string]any{"imageType": variant}
	}
	base := map[string]any{
		"trustDomain":      "cluster.local",
		"rootNamespace":    system,
		"defaultProviders": map[string]any{"metrics": []any{"prometheus"}},
		"defaultConfig":    defaults,
	}
	text, err := yaml.Marshal(overlay(base, own))
	if err != nil {
		return nil, err
	}
	return mesh.ApplyMeshConfig(string(text), mesh.DefaultMeshConfig())
}

// enter sets what istiod reads from its environment.
func (i *installation) enter() {
	features.EnableNativeSidecars = features.NativeSidecarModeDisabled
	if i.settings.Native {
		features.EnableNativeSidecars = features.NativeSidecarModeEnabled
	}
	commonfeatures.CompliancePolicy = i.settings.Compliance
	platform := ""
	if i.settings.OpenShift {
		platform = "openshift"
	}
	os.Setenv("PLATFORM", platform)
}
