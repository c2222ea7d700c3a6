import type { Edit } from './edit.ts';

const verify = { file: 'src/injection/patch/verify.ts', tests: ['test/unit/injection/patch/verify.test.ts'] };
const restoration = {
  file: 'src/injection/patch/restoration.ts',
  tests: ['test/unit/injection/patch/restoration.test.ts'],
};
const memory = {
  file: 'src/injection/cache/recently-used.ts',
  tests: ['test/unit/injection/cache/recently-used.test.ts'],
};

/** The patch, its verification and its way back, what is remembered, and the time that a review takes. */
export const engine: readonly Edit[] = [
  {
    protects: 'a patch that fails its verification does not go out',
    file: 'src/injection/injector.ts',
    text: 'if (violations.length === 0) {',
    replacement: 'if (violations.length >= 0) {',
    tests: ['test/unit/injection/policy/forged-status.test.ts'],
  },
  {
    protects: 'the verification finds a container twice',
    ...verify,
    text: 'if (found !== 1) violations.push',
    replacement: 'if (found < 1) violations.push',
  },
  {
    protects: 'the verification finds a mount without a volume',
    ...verify,
    text: 'if (!volumes.has(volume) && !isMounted(volume))',
    replacement: "if (volume === '')",
  },
  {
    protects: 'the verification finds a port twice',
    ...verify,
    text: 'if (ports.has(number)) violations.push',
    replacement: "if (number === '') violations.push",
  },
  {
    protects: 'the verification finds a privileged proxy',
    ...verify,
    text: 'if (isPrivileged && isInjectedName(name) && !allowed.privilegedProxy)',
    replacement: 'if (isPrivileged && isInjectedName(name) && !allowed)',
  },
  {
    protects: 'the verification finds a volume twice',
    ...verify,
    text: 'if (times !== 1) violations.push',
    replacement: 'if (times < 0) violations.push',
  },
  {
    protects: 'the verification finds that the status is missing',
    ...verify,
    text: 'if (annotations === undefined || !Object.hasOwn(annotations, statusAnnotation)) {',
    replacement: 'if (annotations === null) {',
  },
  {
    protects: 'uninject gives back no container of another name',
    ...restoration,
    text: 'if (!isInjectedName(name)) return [`container ${quote(name)}`];',
    replacement: '',
  },
  {
    protects: 'uninject gives back no container that could not be injected',
    ...restoration,
    text: 'return checkOverride(override, ',
    replacement: "return checkOverride({ ...override, container: { name: 'istio-proxy' } }, ",
  },
  {
    protects: 'uninject gives back no security context in the mode standalone',
    ...restoration,
    text: '!overruled && own.securityContext !== undefined ?',
    replacement: 'own.labels === undefined ?',
  },
  {
    protects: 'uninject gives back no volume of another name',
    ...restoration,
    text: '.filter(({ volume }) => !overruled || !injected.has(nameOf(volume)))',
    replacement: '.filter(({ volume }) => injected.has(`/${nameOf(volume)}`))',
  },
  {
    protects: 'uninject gives back texts as labels alone',
    ...restoration,
    text: ".filter((key) => typeof map[key] !== 'string')",
    replacement: ".filter((key) => typeof map[key] === 'undefined')",
  },
  {
    protects: 'uninject gives back actions of a probe alone',
    ...restoration,
    text: 'return isTurned ? []',
    replacement: 'return isTurned || true ? []',
  },
  {
    protects: 'a remembered value is bounded',
    ...memory,
    text: 'if (weight > entryBytes) return;',
    replacement: '',
  },
  {
    protects: 'remembered values are bounded together',
    ...memory,
    text: ' || sum + weight > bytes',
    replacement: '',
  },
  {
    protects: 'the number of remembered values is bounded',
    ...memory,
    text: 'kept.size >= entries || ',
    replacement: '',
  },
  {
    protects: 'a pod that is refused leaves nothing behind',
    file: 'src/injection/injector.ts',
    text: "return decision.outcome === 'inject' ? recalled.remember(decision) : decision;",
    replacement: 'return recalled.remember(decision);',
    tests: ['test/unit/injection/cache/remembered-decisions.test.ts'],
  },
  {
    protects: 'the caller’s pod stays as it is',
    file: 'src/injection/injector.ts',
    text: 'decideInPlace({ ...request, pod: structuredClone(request.pod) })',
    replacement: 'decideInPlace(request)',
    tests: ['test/property/injection/injection.test.ts'],
    only: 'leaves the request',
  },
  {
    protects: 'a run of dashes costs its length',
    file: 'src/grammar/trailing.ts',
    text: '  let end = text.length;\n  while (end > 0 && text[end - 1] === character) end -= 1;\n  return text.slice(0, end);',
    replacement: '  return text.replace(new RegExp(`${character}+$`), "");',
    tests: ['test/fuzz/webhook/growth.test.ts'],
    only: 'run-of-dashes',
  },
  {
    protects: 'keys of a YAML annotation cost their number',
    file: 'src/grammar/yaml-grammar.ts',
    text: '      uniqueKeys: false,\n',
    replacement: '',
    tests: ['test/property/settings/yaml-keys.test.ts'],
  },
  {
    protects: 'nothing of a pod stands in the log',
    file: 'src/server/review-log.ts',
    text: 'pod: cut(reviewed.pod),',
    replacement: 'pod: JSON.stringify(request.object),',
    tests: ['test/fuzz/webhook/reviews.test.ts'],
    only: 'reviews-standalone',
  },
  {
    protects: 'a patch gives back what it changed, labels too',
    file: 'src/injection/patch/undo.ts',
    text: 'return Array.isArray(list)\n    ? list.findIndex(',
    replacement: 'return Array.isArray(list) && list.length < 3\n    ? list.findIndex(',
    tests: ['test/fuzz/webhook/reviews.test.ts'],
    only: 'standalone',
  },
  {
    protects: 'a key of a user never sets a prototype',
    file: 'src/json/json.ts',
    text: 'return Object.hasOwn(object, key) ? object[key] : undefined;',
    replacement:
      "if (key === 'annotations') (Object.prototype as { polluted?: unknown }).polluted = object;\n  return object[key];",
    tests: ['test/fuzz/webhook/reviews.test.ts'],
    only: 'reviews-standalone',
  },
  {
    protects: 'settings of any shape are refused and never a failure',
    file: 'src/injection/build-snapshot.ts',
    text: "if ('problems' in settings) return { problems: [...settings.problems, ...problems] };",
    replacement: "if ('problems' in settings) throw new Error('x');",
    tests: ['test/fuzz/settings/documents.test.ts'],
    only: 'settings',
  },
  {
    protects: 'what is injected into a manifest can be taken out',
    file: 'src/manifests/rewrite.ts',
    text: "if (content.format === 'json')",
    replacement: "if (text.includes('&l')) throw new Error('x');\n  if (content.format === 'json')",
    tests: ['test/fuzz/manifests/manifests.test.ts'],
  },
  {
    protects: 'an address names variables and nothing else',
    file: 'src/istio/address-variables.ts',
    text: 'if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) {',
    replacement: "if (name === '') {",
    tests: ['test/fuzz/http/texts.test.ts'],
    only: 'addresses',
  },
];
