import type { Edit } from './edit.ts';

const policyPage = { file: 'src/injection/policy/policy.ts', tests: ['test/unit/injection/policy/policy.test.ts'] };
const forged = ['test/unit/injection/policy/forged-status.test.ts'];
const fit = { file: 'src/injection/policy/status-fit.ts', tests: forged };
const selection = { file: 'src/injection/policy/selection.ts', tests: ['test/unit/injection/templates.test.ts'] };
const override = { file: 'src/injection/plan/override.ts', tests: ['test/unit/injection/plan/override.test.ts'] };
const overrideCheck = {
  file: 'src/injection/plan/override-check.ts',
  tests: ['test/unit/injection/plan/override.test.ts'],
};
const additions = { file: 'src/settings/additions.ts', tests: ['test/unit/settings/additions.test.ts'] };
const checks = { file: 'src/settings/pod-checks.ts', tests: ['test/unit/injection/profiles.test.ts'] };
const conflicts = { file: 'src/injection/plan/conflicts.ts', tests: ['test/unit/injection/injection.test.ts'] };

/** Who is injected, and what a pod may ask for. */
export const policy: readonly Edit[] = [
  {
    protects: 'a pod in the network of its node is left alone',
    ...policyPage,
    text: "member(view.spec, 'hostNetwork') === true",
    replacement: "member(view.spec, 'hostNetwork') === 'true'",
  },
  {
    protects: 'system namespaces are left alone',
    ...policyPage,
    text: 'if (systemNamespaces.includes(namespace)) {',
    replacement: 'if (systemNamespaces.length === 0) {',
  },
  {
    protects: 'an inject label with another value is refused',
    ...policyPage,
    text: "return decided('InvalidInjectValue', message);",
    replacement: "return decided('OptedOut', message);",
  },
  {
    protects: "a pod that is injected twice by somebody else's status",
    file: 'src/injection/policy/policy.ts',
    text: 'if (status !== undefined && parseStatus(status) === undefined && !flavour.continues(view)) {',
    replacement: 'if (status === null) {',
    tests: forged,
  },
  {
    protects: 'a status that names no sidecar is refused',
    ...fit,
    text: "if (templates.length === 0) return 'names no sidecar';",
    replacement: '',
  },
  {
    protects: 'a status that does not name its proxy is refused',
    ...fit,
    text: 'if (templates.includes(builtInSidecar) && !namesProxy(record))',
    replacement: 'if (templates.includes(builtInSidecar) && templates.length > 9)',
  },
  {
    protects: 'a status that names something twice is refused',
    ...fit,
    text: 'if (repeated.length > 0) return',
    replacement: 'if (repeated.length > 1e9) return',
  },
  {
    protects: 'a status that names a container that is not there is refused',
    ...fit,
    text: 'return missing.length === 0 ? undefined',
    replacement: 'return missing.length >= 0 ? undefined',
  },
  {
    protects: 'a status whose proxy is privileged is refused',
    ...fit,
    text: 'if (isInjectedName(name) && isPrivileged(raw))',
    replacement: "if (name === '' && isPrivileged(raw))",
  },
  {
    protects: 'a status whose proxy has no configuration is refused',
    ...fit,
    text: 'if (name === names.proxyContainer && !hasBootstrap(raw))',
    replacement: "if (name === '' && !hasBootstrap(raw))",
  },
  {
    protects: 'a status that names an application container is refused',
    ...fit,
    text: 'foreign.length === 0 ? []',
    replacement: 'foreign.length >= 0 ? []',
  },
  {
    protects: 'a status without a sidecar that the pod is to have is refused',
    ...fit,
    text: 'if (left.length > 0) found.push',
    replacement: 'if (left.length > 1e9) found.push',
  },
  {
    protects: 'an image that is nobody’s is said',
    ...fit,
    text: 'if (image === ours || isAllowedImage(image, allowedImages)) return [];',
    replacement: 'if (image !== name) return [];',
  },
  {
    protects: 'a status longer than all annotations is not read',
    file: 'src/injection/patch/status.ts',
    text: ' || value.length > longestStatus',
    replacement: '',
    tests: forged,
  },
  {
    protects: 'a status without hash or version is none of ours',
    file: 'src/injection/patch/status.ts',
    text: 'if (undo === undefined || settingsHash === undefined || version === undefined) return undefined;',
    replacement: 'if (undo === undefined) return undefined;',
    tests: forged,
  },
  {
    protects: 'a sidecar stays in its namespaces',
    ...selection,
    text: 'if (spec.namespaces !== undefined && !isAmong(namespace, spec.namespaces)) {',
    replacement: 'if (spec.namespaces !== undefined && spec.namespaces.length > 1e9) {',
  },
  {
    protects: 'privileged sidecars are where the settings allow them',
    ...selection,
    text: 'if (privileges.length > 0 && !isAmong(namespace, allowPrivilegedIn)) {',
    replacement: 'if (privileges.length > 1e9) {',
  },
  {
    protects: 'a pod names Secrets where the settings allow it',
    ...selection,
    text: 'if (made.secrets.length > 0 && !isAmong(namespace, allowSecretsIn)) {',
    replacement: 'if (made.secrets.length > 1e9) {',
  },
  {
    protects: 'sidecars that do not go together are refused',
    ...selection,
    text: 'problems.push(...incompatibilities(chosen));',
    replacement: '',
  },
  {
    protects: "the pod's own proxy sets no command",
    ...override,
    text: 'const proxyFields = wordSet(`\n',
    replacement: 'const proxyFields = wordSet(`\n  command',
  },
  {
    protects: "the pod's own istio-init brings no variable",
    ...override,
    text: "const otherFields: ReadonlySet<string> = new Set(['name', 'image', 'resources']);",
    replacement: "const otherFields: ReadonlySet<string> = new Set(['name', 'image', 'resources', 'env']);",
  },
  {
    protects: 'nothing is kept of containers that look like those of an earlier injection',
    file: 'src/injection/plan/leftovers.ts',
    tests: ['test/unit/injection/leftovers.test.ts'],
    text: 'const containers = containersOf(view).filter(injected.isLeft);',
    replacement: 'const containers = containersOf(view).filter(({ name }) => name === injected.volumes[0]?.name);',
  },
  {
    protects: "the pod's own istio-init runs the operator's image",
    ...overrideCheck,
    text: 'const images = name === names.proxyContainer ? allowedImages : [];',
    replacement: 'const images = allowedImages;',
  },
  {
    protects: 'with fixed capture nothing of the pod runs as the proxy',
    file: 'src/injection/plan/override-check.ts',
    tests: ['test/unit/injection/profiles.test.ts'],
    text: "return name === names.proxyContainer && caps.capture !== 'fixed' ? proxyFields : otherFields;",
    replacement: 'return name === names.proxyContainer ? proxyFields : otherFields;',
  },
  {
    protects: "no file of the pod has the proxy's group",
    file: 'src/injection/plan/conflicts.ts',
    tests: ['test/unit/injection/plan/conflicts.test.ts'],
    text: "...(member(podSecurity, 'fsGroup') === gid ? ['fsGroup'] : []),",
    replacement: '',
  },
  {
    protects: "the proxy's volumes are its own",
    file: 'src/injection/plan/conflicts.ts',
    tests: ['test/unit/injection/plan/conflicts.test.ts'],
    text: '.filter((volume) => privateVolumes.has(volume))',
    replacement: '.filter((volume) => volume === names.namespace)',
  },
  {
    protects: 'clients leave the application its way out',
    file: 'src/envoy/overload.ts',
    tests: ['test/unit/envoy/bootstrap.test.ts'],
    text: 'mostConnections(proxy) * 0.75',
    replacement: 'mostConnections(proxy)',
  },
  {
    protects: "the access log has the peer's own address",
    file: 'src/envoy/access-log.ts',
    tests: ['test/golden/envoy/configuration.test.ts'],
    text: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
    replacement: '%DOWNSTREAM_REMOTE_ADDRESS%',
  },
  {
    protects: 'what is sent on a port that nobody has declared is not inspected, which could lose it',
    file: 'src/envoy/inspection.ts',
    tests: ['test/unit/envoy/bootstrap.test.ts'],
    text: '{ not_match: portPredicate(inspected) }',
    replacement: '{ any_match: inspected.length === 0 }',
  },
  {
    protects: "only the kubelet's own question reaches the application",
    file: 'src/envoy/probes.ts',
    tests: ['test/unit/envoy/probes.test.ts'],
    text: "match: { path, headers: [exact(':method', 'GET'), exact(':path', path)] },",
    replacement: 'match: { path },',
  },
  {
    protects: "the pod's own proxy has an allowed image",
    ...overrideCheck,
    text: "if (wanted === undefined || wanted === 'auto' || wanted === image || isAllowedImage(wanted, images)) return [];",
    replacement: "if (wanted !== '') return [];",
  },
  {
    protects: "the pod's own proxy sets nothing of its security context but user and group",
    ...overrideCheck,
    text: 'if (!allowed.includes(field)) {',
    replacement: "if (field === '') {",
  },
  {
    protects: "a copy's capabilities are no more than ours",
    ...overrideCheck,
    text: "isList(member(value, 'add'), (name) => Array.isArray(granted) && granted.includes(name)) &&",
    replacement: "isList(member(value, 'add'), () => true) &&",
  },
  {
    protects: 'what hardens a container does not soften it',
    ...overrideCheck,
    text: 'return hardening.has(field) && isSame(value, hardening.get(field));',
    replacement: 'return hardening.has(field);',
  },
  {
    protects: "the pod's own proxy is not root",
    ...overrideCheck,
    text: 'Number.isInteger(value) && value > 0 &&',
    replacement: 'Number.isInteger(value) && value >= 0 &&',
  },
  {
    protects: 'the proxy gets no volume of the node',
    ...additions,
    text: "const volumeSources = ['emptyDir', ",
    replacement: "const volumeSources = ['hostPath', 'emptyDir', ",
  },
  {
    protects: 'the proxy gets no token by a projected volume',
    ...additions,
    text: "const projectedSources = ['configMap', ",
    replacement: "const projectedSources = ['serviceAccountToken', 'configMap', ",
  },
  {
    protects: 'the proxy gets no Secret by a variable',
    ...additions,
    text: "const valueSources = ['fieldRef', ",
    replacement: "const valueSources = ['secretKeyRef', 'fieldRef', ",
  },
  {
    protects: "the proxy's own volumes are its own",
    ...additions,
    text: "if (ownVolumes.has(volume.name)) return 'is a volume of the proxy itself';",
    replacement: '',
  },
  {
    protects: 'no variable chooses what the loader loads',
    ...additions,
    text: '(?:ENVOY|ISTIO_META|OTEL|PROXY|TCMALLOC)_',
    replacement: '(?:ENVOY|ISTIO_META|OTEL|PROXY|TCMALLOC|LD)_',
  },
  {
    protects: 'no mount hides the programs of the image',
    ...additions,
    text: 'const dataFolders = [\n',
    replacement: "const dataFolders = [\n  '/usr',\n",
  },
  {
    protects: 'the number of additions is bounded',
    ...additions,
    text: 'const most = 32;',
    replacement: 'const most = 1e9;',
  },
  {
    protects: "a profile's cap of resources",
    ...checks,
    text: 'cap === undefined || !isAbove(value, cap))',
    replacement: 'cap === undefined || value.length > 0)',
    tests: ['test/unit/settings/pod-settings.test.ts'],
  },
  {
    protects: "a profile's cap of the log level",
    ...checks,
    text: 'rank(level) < rank(cap)',
    replacement: 'rank(level) < -1',
  },
  {
    protects: "a profile's fixed capture",
    file: 'src/injection/plan/fixed-capture.ts',
    tests: ['test/unit/injection/profiles.test.ts'],
    text: 'if (rules.actual === rules.fixed) return [];',
    replacement: 'if (rules.fixed !== null) return [];',
  },
  {
    protects: 'an image by annotation is an allowed one',
    ...checks,
    text: 'if (draft.proxy.image !== base.proxy.image && !isAllowedImage(draft.proxy.image, allowedImages)) {',
    replacement: 'if (draft.proxy.image === allowedImages[0]) {',
    tests: ['test/unit/settings/pod-settings.test.ts'],
  },
  {
    protects: 'a container that runs as the proxy’s user is refused',
    ...conflicts,
    text: "['user', 'runAsUser', identity.uid],",
    replacement: "['user', 'runAsUser', -1],",
  },
  {
    protects: 'a container that runs as the proxy’s group is refused',
    ...conflicts,
    text: "['group', 'runAsGroup', identity.gid],",
    replacement: "['group', 'runAsGroup', -1],",
  },
  {
    protects: 'a pod of a hundred thousand containers is not injected',
    ...conflicts,
    text: 'const mostEntries = 1_000;',
    replacement: 'const mostEntries = 1e9;',
  },
  {
    protects: 'only so many misspelt names get a guess',
    file: 'src/settings/pod-settings.ts',
    text: 'const mostGuesses = 16;',
    replacement: 'const mostGuesses = 1e9;',
    tests: ['test/unit/settings/pod-settings.test.ts'],
  },
];
