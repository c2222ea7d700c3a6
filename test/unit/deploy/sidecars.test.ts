import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import jsonPatch from 'fast-json-patch';
import { decide, joinPatch } from '../../../src/index.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { podSecurityLevel, podSecurityViolations } from '../../../src/pod/security.ts';
import { lintTemplate } from '../../../src/sidecars/template-lint.ts';
import { nameOf } from '../../../src/sidecars/template-library.ts';
import { podWith } from '../../support/builders/decisions.ts';
import { renderSidecars, sidecarsFile } from '../../../scripts/manifests/sidecars.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { selectionOf, shippedFolders, snapshotWithShipped } from '../../support/sidecars/shipped-sidecars.ts';

const snapshot = snapshotWithShipped();
const references = ['sidecar', ...snapshot.templates.keys()];
const pairs = references.flatMap((one) =>
  references.filter((other) => nameOf(other) !== nameOf(one)).map((other): [string, string] => [one, other]),
);
const pod = (templates: readonly string[]): JsonObject =>
  podWith({
    annotations: selectionOf(templates),
    container: { ports: [{ containerPort: 8080 }], readinessProbe: { httpGet: { port: 8080 } } },
  });

describe.each(shippedFolders.map((folder) => [path.basename(folder), folder] as const))('%s', (name, folder) => {
  test('passes its own tests', async () => {
    const { code, stdout } = await runCommand(['template', 'test', folder]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^(?:ok .*\n)+\d+ passed, 0 failed\n$/)]);
  });

  test('has all that CONTRIBUTING.md asks of a shipped sidecar', () => {
    const root = path.resolve(folder, '../../..');
    const readme = `deploy/sidecars/${name}/README.md`;
    const files = [readme, `examples/${name}/${name}.yaml`, `test/sidecars/${name}.test.ts`];
    const missing = files.filter((file) => !existsSync(path.join(root, file)));
    expect(missing).toEqual([]);
  });

  test('its example is injected with it', async () => {
    const root = path.resolve(folder, '../../..');
    const example = path.join(root, 'examples', name, `${name}.yaml`);
    const settings = path.join(root, 'examples', name, 'settings.yaml');
    const flags = existsSync(settings) ? ['--settings', settings] : [];
    const { code, stdout, stderr } = await runCommand(['inject', '-f', example, '--sidecars', folder, ...flags]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('warning')]);
    expect(stdout).toContain(`name: ${name}`);
  });
});

test('the kustomization lists the folders beside it (make manifests)', () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  expect(readFileSync(path.join(root, sidecarsFile), 'utf8')).toBe(renderSidecars());
});

describe('every pair works together', () => {
  const modes = ['always', 'never'].map((nativeSidecars) => snapshotWithShipped({ injection: { nativeSidecars } }));

  test.each(pairs)('%s, %s', (one, other) => {
    for (const mode of modes) {
      const before = pod([one, other]);
      const decision = decide({ pod: before, namespace: 'shop' }, mode);
      expect([decision.outcome, decision.warnings]).toEqual(['inject', []]);
      const operations = JSON.parse(joinPatch(decision.patch)) as jsonPatch.Operation[];
      const after: JsonObject = jsonPatch.applyPatch(structuredClone(before), operations).newDocument;
      expect(decide({ pod: after, namespace: 'shop' }, mode).reasons[0].code).toBe('AlreadyInjected');
      const back = [...(undo(after)?.operations ?? [])] as jsonPatch.Operation[];
      expect(jsonPatch.applyPatch(structuredClone(after), back).newDocument).toEqual(before);
    }
  });

  test('and all of them at once', () => {
    const one = references.filter((reference) => !reference.includes(':'));
    expect(decide({ pod: pod(one), namespace: 'shop' }, snapshot).outcome).toBe('inject');
  });
});

test.each([...snapshot.templates.values()].map((template) => [template.reference, template] as const))(
  '%s fits the Pod Security level restricted and leaves nothing to the author',
  (reference, template) => {
    const { violations, hints } = lintTemplate(template, references);
    const isPrivileged = reference === 'security-agent:privileged';
    expect(podSecurityLevel(violations)).toBe(isPrivileged ? 'privileged' : 'restricted');
    expect(hints.filter((hint) => !hint.includes('no probe'))).toEqual([]);
  },
);

test('a pod with all but the proxy and the privileged one is admitted by restricted', () => {
  const hardened = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const wanted = [...snapshot.templates.keys()].filter((reference) => !reference.includes(':'));
  const before = podWith({
    annotations: selectionOf(wanted),
    container: { securityContext: hardened },
  });
  const { patch } = decide({ pod: before, namespace: 'shop' }, snapshot);
  const after: JsonObject = jsonPatch.applyPatch(
    before,
    JSON.parse(joinPatch(patch)) as jsonPatch.Operation[],
  ).newDocument;
  expect(podSecurityViolations(after['spec'] as JsonObject)).toEqual([]);
});
