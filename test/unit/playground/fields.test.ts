import { describe, expect, test } from '@jest/globals';
import { createSnapshot } from '../../../src/index.ts';
import { listFields } from '../../../src/playground/fields.ts';
import { annotationTable } from '../../../src/settings/annotation-table.ts';

const fields = listFields();
const named = (kind: string, name: string) => fields.find((field) => field.kind === kind && field.name === name);

describe('the fields of the form', () => {
  test('are the table of annotations and labels', () => {
    const ofPods = annotationTable.filter(({ kind }) => kind !== 'namespace label');
    expect(fields.filter(({ kind }) => kind !== 'setting').map(({ kind, name }) => [kind, name])).toEqual(
      ofPods.map(({ kind, name }) => [kind, name]),
    );
  });

  test('have the settings with a default, by their paths', () => {
    const result = createSnapshot();
    if ('problems' in result) throw new Error('the built-in settings are sound');
    const paths = fields.filter(({ kind }) => kind === 'setting').map(({ name }) => name);
    const missing = Object.entries(result.snapshot.settings).flatMap(([room, value]) =>
      typeof value === 'object' && !Array.isArray(value)
        ? Object.keys(value)
            .map((key) => `${room}.${key}`)
            .filter((path) => !paths.some((one) => one === path || one.startsWith(`${path}.`)))
        : [],
    );
    expect(missing).toEqual([]);
  });

  test('say what is allowed, and complete what there are only some of', () => {
    expect(named('setting', 'proxy.outboundTrafficPolicy')).toMatchObject({
      values: ['ALLOW_ANY', 'REGISTRY_ONLY'],
      defaultText: '"ALLOW_ANY"',
    });
    expect(named('setting', 'proxy.statusPort')?.allowed).toBe('an integer from 0 to 65535');
    expect(named('annotation', 'sidecar.istio.io/logLevel')?.values).toContain('debug');
    expect(named('annotation', 'sidecar.istio.io/userVolume')?.values).toEqual([]);
    expect(named('setting', 'capture.excludeInboundPorts')?.doc).toBe(
      named('annotation', 'traffic.sidecar.istio.io/excludeInboundPorts')?.doc,
    );
    expect(named('annotation', 'sidecar.istio.io/bootstrapOverride')?.doc).toMatch(/^Denied: /);
    expect(named('annotation', 'sidecar.istio.io/statsCompression')?.doc).toMatch(/^No effect here: /);
  });
});
