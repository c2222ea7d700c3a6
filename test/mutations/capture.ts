import type { Edit } from './edit.ts';

const golden = ['test/golden/capture/istio.test.ts', 'test/golden/capture/reviewed.test.ts'];
const rules = { file: 'src/capture/nat-rules.ts', tests: golden };
const container = ['test/unit/injection/injection.test.ts'];
const init = { file: 'src/sidecars/standalone/init-container.ts', tests: container };
const proxy = { file: 'src/sidecars/standalone/proxy-container.ts', tests: container };
const unprivileged = { file: 'src/sidecars/standalone/container-parts.ts', tests: container };
/** The verification finds a privileged one as well, so that no pod is injected at all. */
const injected = ['test/unit/injection/reinjection.test.ts'];

/** What is captured, and what the injected containers may do. */
export const capture: readonly Edit[] = [
  {
    protects: 'the proxy’s own traffic does not go round in a circle',
    ...rules,
    text: '      nat(chains.output, [{ by, id }], pass, { words }),\n',
    replacement: '',
  },
  {
    protects: 'everything outbound is captured',
    ...rules,
    text: 'return [...rules, nat(chains.output, [], capture, { words }), ...rerouted];',
    replacement: 'return [...rules, ...rerouted];',
  },
  {
    protects: 'everything inbound is captured',
    ...rules,
    text: '    nat(chains.inbound, [tcp], capture, { words }),\n',
    replacement: '',
  },
  {
    protects: 'excluded ports are excluded for their protocols alone',
    ...rules,
    text: '[tcp, udp].map((protocol) => nat(chains.output, [protocol, to(range)], pass, { words: toPorts })),',
    replacement: '[tcp].map((protocol) => nat(chains.output, [protocol, to(range)], pass, { words: toPorts })),',
  },
  {
    protects: 'traffic of others than the excluded users does not pass by',
    ...rules,
    tests: ['test/unit/capture/iptables.test.ts'],
    text: "if (ports === 'all') return [nat(chains.output, [owner], pass, { words })];",
    replacement: "if (ports === 'all') return [nat(chains.output, [], pass, { words })];",
  },
  ...(
    [
      ['the init container gains nothing', 'allowPrivilegeEscalation: false', 'allowPrivilegeEscalation: true'],
      ['the init container has two capabilities', "drop: ['ALL']", 'drop: []'],
      ['the init container writes nothing', 'readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'],
      ['the init container reads no API token', 'volumeMounts: [tokenMask],', 'volumeMounts: [],'],
    ] as const
  ).map(([protects, text, replacement]): Edit => ({ protects, text, replacement, ...init })),
  ...(
    [
      ['the proxy gains nothing', 'allowPrivilegeEscalation: false', 'allowPrivilegeEscalation: true'],
      ['the proxy has no capability', "capabilities: { drop: ['ALL'] }", 'capabilities: {}'],
      ['the proxy writes nothing', 'readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'],
      ['the proxy is not root', 'runAsNonRoot: true', 'runAsNonRoot: false'],
    ] as const
  ).map(([protects, text, replacement]): Edit => ({ protects, text, replacement, ...unprivileged })),
  { protects: 'the proxy reads no API token', text: '      tokenMask,\n', replacement: '', ...proxy },
  ...([init, unprivileged] as const).map(({ file }): Edit => ({
    protects: 'an injected container is not privileged',
    file,
    text: 'privileged: false',
    replacement: 'privileged: true',
    tests: injected,
  })),
];
