# `make help` explains every target. Scripts run on the Node that package.json pins, whatever the machine has.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SCRIPT := node_modules/.bin/node --disable-warning=ExperimentalWarning
VERSION = $(shell $(SCRIPT) -p 'require("./package.json").version')
DOCKER ?= docker

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What `npm ci` writes last: younger than the lock file means that everything is there. Its warnings that packages want a
# later Node than the machine's are of no use: they run on the pinned one.
node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: demo
demo: node_modules/.package-lock.json ## Show what the product does, on this machine, without a cluster.
	@$(SCRIPT) scripts/demo.ts

.PHONY: demo-mesh
demo-mesh: node_modules/.package-lock.json ## Show the mesh: four services on a Kubernetes node of this machine, and who calls whom (root on Linux).
	@$(SCRIPT) scripts/demo-mesh.ts

.PHONY: test test-unit test-property test-fuzz test-golden test-shell test-browser test-http test-release test-apiserver test-sidecars test-dataplane test-mesh test-collectors test-istio
test: node_modules/.package-lock.json ## Run every test that this machine can run and count them, with fixed seeds; prepares its own tools.
	@$(SCRIPT) scripts/test.ts

test-unit: node_modules/.package-lock.json ## Run the unit tests (ARGS=FILE for one file; so for every tier).
	@$(SCRIPT) scripts/test.ts unit -- $(ARGS)

test-property: node_modules/.package-lock.json ## Run the property tests, with other inputs each time (FAST_CHECK_SEED repeats a run).
	@$(SCRIPT) scripts/test.ts property -- $(ARGS)

test-fuzz: node_modules/.package-lock.json ## Replay what fuzzing found, then search for more for seconds (FUZZ_SEED repeats a run).
	@$(SCRIPT) scripts/test.ts fuzz -- $(ARGS)

test-golden: node_modules/.package-lock.json ## Compare with the golden files.
	@$(SCRIPT) scripts/test.ts golden -- $(ARGS)

test-shell: node_modules/.package-lock.json ## Test the completion in real shells on a terminal.
	@$(SCRIPT) scripts/test.ts shell -- $(ARGS)

test-browser: node_modules/.package-lock.json ## Test the playground in a real browser (Chromium, from Debian).
	@$(SCRIPT) scripts/test.ts browser -- $(ARGS)

test-http: node_modules/.package-lock.json ## Test the server over real TLS on loopback.
	@$(SCRIPT) scripts/test.ts http -- $(ARGS)

test-release: node_modules/.package-lock.json ## Test images, manifests and workflow of a release (built with Go; nothing is pulled).
	@$(SCRIPT) scripts/test.ts release -- $(ARGS)

test-apiserver: node_modules/.package-lock.json ## Test against a real API server (built with Go, or KUBEBUILDER_ASSETS).
	@$(SCRIPT) scripts/test.ts apiserver -- $(ARGS)

test-sidecars: node_modules/.package-lock.json ## Run the shipped sidecars' real programs (root on Linux).
	@$(SCRIPT) scripts/test.ts sidecars -- $(ARGS)

test-dataplane: node_modules/.package-lock.json ## Test rules and proxy with real iptables and Envoy (root on Linux).
	@$(SCRIPT) scripts/test.ts dataplane -- $(ARGS)

test-collectors: node_modules/.package-lock.json ## Send spans of a real Envoy through a real OpenTelemetry collector (built with Go; root on Linux).
	@$(SCRIPT) scripts/test.ts collectors -- $(ARGS)

test-istio: node_modules/.package-lock.json ## Compare with Istio's own injector and translators (built with Go; FAST_CHECK_RUNS=2000 cases).
	@$(SCRIPT) scripts/test.ts istio -- $(ARGS)

test-mesh: node_modules/.package-lock.json ## Test the mesh with real Envoys around a control plane (root on Linux).
	@$(SCRIPT) scripts/test.ts mesh -- $(ARGS)

.PHONY: test-matrix test-cert-manager test-webhooks test-jaeger test-cluster test-conformance test-istiod cluster-up cluster-down cluster-test cluster-bench
test-matrix: node_modules/.package-lock.json ## The same scenarios with API servers from the oldest supported to the newest (MATRIX_VERSIONS=1.29.6 for one).
	@$(SCRIPT) scripts/test.ts matrix

test-cert-manager: node_modules/.package-lock.json ## Test the overlay cert-manager with the real cert-manager (built with Go).
	@$(SCRIPT) scripts/test.ts cert-manager -- $(ARGS)

test-webhooks: node_modules/.package-lock.json ## Test beside webhooks of other projects: Kyverno, Gatekeeper, Vertical Pod Autoscaler (built with Go).
	@$(SCRIPT) scripts/test.ts webhooks -- $(ARGS)

test-jaeger: node_modules/.package-lock.json ## Send spans of two real Envoys through the real collector to the real Jaeger (built with Go; root on Linux).
	@$(SCRIPT) scripts/test.ts jaeger -- $(ARGS)

test-cluster: node_modules/.package-lock.json ## Test on a real node with containers and Envoy, short scenarios (root on Linux).
	@$(SCRIPT) scripts/test.ts cluster -- $(ARGS)

cluster-test: node_modules/.package-lock.json ## The same with every scenario, faults, upgrades, figures and conformance included.
	@$(SCRIPT) scripts/test.ts cluster cluster-long conformance istiod -- $(ARGS)

test-conformance: node_modules/.package-lock.json ## Run Gateway API's conformance suite on a real node (built with Go; CONFORMANCE_TEST=MeshPorts for one test).
	@$(SCRIPT) scripts/test.ts conformance -- $(ARGS)

test-istiod: node_modules/.package-lock.json ## Leave the mesh for a living istiod on a real node, with the same manifests (built with Go).
	@$(SCRIPT) scripts/test.ts istiod -- $(ARGS)

cluster-bench: node_modules/.package-lock.json ## Run the long scenarios and write their figures into docs/benchmarks.md.
	@rm -f .cluster-findings.jsonl
	@CLUSTER_FINDINGS=$(CURDIR)/.cluster-findings.jsonl $(SCRIPT) scripts/test.ts cluster-long
	@$(SCRIPT) scripts/node-figures.ts .cluster-findings.jsonl

cluster-up: node_modules/.package-lock.json ## Start a Kubernetes node with the images of this checkout (root on Linux, no Docker).
	@$(SCRIPT) scripts/cluster.ts up

cluster-down: node_modules/.package-lock.json ## Stop it and remove everything of it, also after a killed run.
	@$(SCRIPT) scripts/cluster.ts down

KIND ?= kind
KIND_CLUSTER := sidecar-injector
KIND_KUBECONFIG := .kind.kubeconfig

.PHONY: kind-up kind-load kind-test kind-down
kind-up: ## Create a cluster with kind (needs Docker).
	$(KIND) create cluster --name $(KIND_CLUSTER) --kubeconfig $(KIND_KUBECONFIG) --wait 120s

kind-load: images ## Build both images and load them into it, with the one that the scenarios need.
	$(DOCKER) build --tag cluster.test/workbench:1 test/cluster/workbench
	$(KIND) load docker-image --name $(KIND_CLUSTER) sidecar-injector:$(VERSION) sidecar-injector-init:$(VERSION) \
	  cluster.test/workbench:1

kind-test: node_modules/.package-lock.json ## Run the short scenarios on it.
	@CLUSTER=existing KUBECONFIG=$(CURDIR)/$(KIND_KUBECONFIG) $(SCRIPT) scripts/test.ts cluster -- $(ARGS)

kind-down: ## Delete it.
	$(KIND) delete cluster --name $(KIND_CLUSTER) --kubeconfig $(KIND_KUBECONFIG)

.PHONY: fuzz
fuzz: node_modules/.package-lock.json ## Search for inputs that break something, FUZZ_SECONDS (an hour) each; FUZZ_SEED repeats a run.
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-3600} NODE_OPTIONS='--experimental-vm-modules --disable-warning=ExperimentalWarning' \
	  jest --selectProjects fuzz --passWithNoTests $(ARGS)

.PHONY: soak
soak: node_modules/.package-lock.json ## Load the webhook for SOAK_SECONDS (half an hour) with SOAK_RATE (500) reviews a second: it must not grow.
	@SOAK_SECONDS=$${SOAK_SECONDS:-1800} SOAK_RATE=$${SOAK_RATE:-500} \
	  NODE_OPTIONS='--experimental-vm-modules --disable-warning=ExperimentalWarning' jest --selectProjects http --runTestsByPath test/http/soak.test.ts

.PHONY: mutate
mutate: node_modules/.package-lock.json ## Remove protections one by one and check whether a test fails (ARGS=FILE for one file's).
	@$(SCRIPT) scripts/mutate.ts $(ARGS)

.PHONY: typecheck lint format
typecheck: node_modules/.package-lock.json ## Check the types.
	@tsc --noEmit

lint: node_modules/.package-lock.json ## Check types, lint rules and format.
	@$(SCRIPT) scripts/test.ts check

format: node_modules/.package-lock.json ## Format every file.
	@prettier --write --log-level warn .

.PHONY: manifests
manifests: node_modules/.package-lock.json ## Write the generated manifests, alerts and dashboards under deploy/, such as deploy/install.yaml.
	@$(SCRIPT) scripts/manifests.ts

.PHONY: descriptors
descriptors: node_modules/.package-lock.json ## Write the types of Envoy's API for the control plane (needs Go).
	@$(SCRIPT) scripts/descriptors.ts

.PHONY: docs
docs: node_modules/.package-lock.json ## Write the generated pages of the documentation.
	@$(SCRIPT) scripts/docs.ts

.PHONY: bench
bench: node_modules/.package-lock.json ## Measure webhook, data plane, mesh and auditor (ARGS=--quick for rough figures, --only=webhook, --only=overload, --only=command-line, --only=dataplane, --only=mesh, --only=auditor).
	@$(SCRIPT) scripts/bench.ts $(ARGS)

.PHONY: build images playground
build: node_modules/.package-lock.json ## Bundle the program into dist/.
	@$(SCRIPT) scripts/build.ts

playground: build ## Build the page to try the injector in a browser, and serve it on this machine.
	@$(SCRIPT) bin/sidecar-injector.mjs playground

images: node_modules/.package-lock.json ## Build both container images with DOCKER (default docker).
	$(DOCKER) build --target injector --tag sidecar-injector:$(VERSION) .
	$(DOCKER) build --target init --tag sidecar-injector-init:$(VERSION) .

.PHONY: release relocate
release: node_modules/.package-lock.json ## Build everything of a release into release/ (needs Go, mmdebstrap, qemu-user-static; RELEASE_REGISTRY for our images).
	@$(SCRIPT) scripts/release.ts

relocate: node_modules/.package-lock.json ## Write the manifests with every image from SIDECAR_INJECTOR_REGISTRY into release/, and the list of images.
	@$(SCRIPT) scripts/release.ts manifests

.PHONY: clean
clean: ## Remove what was built; node_modules and the cached test programs stay.
	rm -rf dist lib coverage demo-output release
