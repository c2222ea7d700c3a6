// One project a tier: `npx jest --selectProjects unit`. What a tier needs beside Node is in test/harness/tiers/table.ts.
const cluster = {
  globalSetup: '<rootDir>/test/cluster/global-setup.ts',
};
const tier = (name, more = {}) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  ...more,
});

export default {
  testTimeout: 60_000,
  testSequencer: '<rootDir>/test/harness/tiers/longest-first.ts',
  projects: [
    ...[
      'unit',
      'property',
      'fuzz',
      'golden',
      'shell',
      'browser',
      'http',
      'release',
      'cert-manager',
      'webhooks',
      'dataplane',
      'mesh',
      'sidecars',
      'collectors',
      'jaeger',
      'istio',
    ].map((name) => tier(name)),
    tier('cluster', { ...cluster, testMatch: ['<rootDir>/test/cluster/short/**/*.test.ts'] }),
    tier('conformance', { globalSetup: '<rootDir>/test/conformance/global-setup.ts' }),
    tier('istiod', cluster),
    tier('cluster-long', { ...cluster, testMatch: ['<rootDir>/test/cluster/long/**/*.test.ts'] }),
    tier('apiserver', {
      globalSetup: '<rootDir>/test/apiserver/global-setup.ts',
      globalTeardown: '<rootDir>/test/apiserver/global-teardown.ts',
    }),
  ],
};
