import { describe, expect, test } from '@jest/globals';
import { undo } from '../../../../src/injection/patch/undo.ts';
import { statusAnnotation } from '../../../../src/pod/conventions.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { injectedPod, podWith } from '../../../support/builders/decisions.ts';

/** A pod that carries what somebody wrote as the record of an injection. */
function recorded(status: JsonObject): JsonObject {
  const text = JSON.stringify({ settingsHash: 'x', version: '1', templates: ['sidecar'], ...status });
  return {
    metadata: { labels: { app: 'web' }, annotations: { [statusAnnotation]: text } },
    spec: {
      containers: [{ name: 'app', image: 'app:1' }, { name: 'istio-proxy' }],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
  };
}

const own = (name: string, fields: JsonObject): JsonObject => ({
  overrides: [{ list: 'containers', index: 0, container: { name, ...fields } }],
});

describe('what no injection can have taken is not given back', () => {
  test.each<[string, JsonObject, string]>([
    ['another container', { containers: ['app'], undo: own('app', { image: 'evil:1' }) }, 'container "app"'],
    [
      'privileges of the proxy’s copy',
      { containers: ['istio-proxy'], undo: own('istio-proxy', { securityContext: { privileged: true } }) },
      'container "istio-proxy", securityContext.privileged',
    ],
    [
      'a command of its copy',
      { containers: ['istio-proxy'], undo: own('istio-proxy', { command: ['/evil'] }) },
      'container "istio-proxy", command',
    ],
    ['root for the pod', { undo: { own: { securityContext: { runAsUser: 0 } } } }, "the pod's securityContext"],
    [
      'a volume',
      { volumes: ['v'], undo: { own: { volumes: [{ index: 0, volume: { name: 'v', hostPath: { path: '/' } } }] } } },
      'volume "v"',
    ],
    ['a label that is no text', { undo: { own: { labels: { app: { x: 1 } } } } }, 'label "app", which is no text'],
    [
      'a command in place of a probe',
      { undo: { probes: { app: { readinessProbe: { exec: {} } } } } },
      'readinessProbe of container "app"',
    ],
    [
      'a container where nothing was injected, in the mode istiod',
      { overruled: true, containers: ['istio-proxy'], undo: own('helper', { image: 'evil:1' }) },
      'container "helper", in whose place nothing was injected',
    ],
    [
      'a volume that was not injected, in the mode istiod',
      { overruled: true, undo: { own: { volumes: [{ index: 0, volume: { name: 'host' } }] } } },
      'volume "host"',
    ],
  ])('%s', (_what, status, problem) => {
    expect(undo(recorded(status))).toEqual({ operations: [], restored: [], problems: [problem], leftovers: [] });
  });
});

test('what comes back from the annotation alone is named', () => {
  const pod = injectedPod(
    podWith({ spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'auto', env: [{ name: 'A' }] }] } }),
  );
  expect(undo(pod as unknown as JsonObject)).toMatchObject({
    restored: ['container "istio-proxy" (image, env)'],
    problems: [],
  });
  expect(undo(injectedPod(podWith()) as unknown as JsonObject)).toMatchObject({ restored: [], problems: [] });
});

test('in the mode istiod everything of an injected container may come back, and is named', () => {
  const status = {
    overruled: true,
    containers: ['app'],
    volumes: ['v'],
    undo: {
      ...own('app', { image: 'app:2' }),
      own: {
        securityContext: null,
        volumes: [{ index: 0, volume: { name: 'v', configMap: {} } }],
        labels: { app: 'x' },
      },
    },
  };
  expect(undo(recorded(status))).toMatchObject({
    restored: ['container "app" (image)', 'volume "v" (configMap)', "the pod's securityContext", 'label "app"'],
    problems: [],
  });
});

test('a record that takes something away twice is none that can be undone', () => {
  const edit = { container: 'app', field: 'env', keys: ['MODE'] };
  const env = [{ name: 'MODE', value: 'x' }];
  const spec = { containers: [{ name: 'app', image: 'app:1', env }] };
  expect(undo({ ...recorded({ undo: { edits: [edit, edit] } }), spec })).toEqual({
    operations: [],
    restored: [],
    problems: [],
    leftovers: ['its record does not fit the pod'],
  });
});
