import * as fc from 'fast-check';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { snapshotOf } from './snapshots.ts';

/** A `SidecarTemplate` object. */
export function templateObject(name: string, spec: object): JsonObject {
  return {
    apiVersion: 'sidecar-injector.io/v1alpha1',
    kind: 'SidecarTemplate',
    metadata: { name },
    spec,
  } as JsonObject;
}

const selector = fc.constantFrom('all', 'first', undefined);

function without<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** A template that clashes with no other of another index and with no pod of `anyPod`. */
function anyTemplate(index: number): fc.Arbitrary<JsonObject> {
  const name = `t${index}`;
  const probe = { httpGet: { path: '/ready', port: 20_000 + index } };
  return fc
    .record({
      mode: fc.constantFrom('native', 'classic', undefined),
      order: fc.record(
        { proxy: fc.constantFrom('before', 'after'), application: fc.constantFrom('before', 'after') },
        { requiredKeys: [] },
      ),
      probed: fc.boolean(),
      init: fc.constantFrom('none', 'once', 'native'),
      share: fc.constantFrom('none', 'made', 'existing', 'inside'),
      shareSelector: selector,
      change: fc.constantFrom('none', 'env', 'mounts', 'both'),
      changeSelector: selector,
      metadata: fc.boolean(),
      parameter: fc.constantFrom('none', 'default', 'field'),
    })
    .map((is) => {
      const container = without({
        name,
        image: `${name}:1`,
        ports: [{ containerPort: 20_000 + index }],
        env: [{ name: 'A', value: 'a' }],
        readinessProbe: is.probed ? probe : undefined,
      });
      const share = {
        none: undefined,
        made: { path: `/made/${name}`, volume: { name: `${name}-made`, emptyDir: {} } },
        existing: { path: '/data', optional: true },
        inside: { path: `/data/${name}`, volume: { name: `${name}-inside`, emptyDir: {} } },
      }[is.share];
      const env = is.change === 'env' || is.change === 'both' ? [{ name: `VAR_${index}`, value: 'x' }] : undefined;
      const volumeMounts =
        is.change === 'mounts' || is.change === 'both'
          ? [{ name: `${name}-own`, mountPath: `/own/${name}` }]
          : undefined;
      return templateObject(
        name,
        without({
          mode: is.mode,
          order: is.order,
          containers: [container],
          initContainers:
            is.init === 'none'
              ? undefined
              : [
                  without({
                    name: `${name}-i`,
                    image: 'i:1',
                    restartPolicy: is.init === 'native' ? 'Always' : undefined,
                  }),
                ],
          volumes: [{ name: `${name}-own`, emptyDir: {} }],
          share:
            share === undefined
              ? undefined
              : [without({ ...share, containers: is.shareSelector, with: [{ container: name }] })],
          application:
            env === undefined && volumeMounts === undefined
              ? undefined
              : [without({ containers: is.changeSelector, env, volumeMounts })],
          labels: is.metadata ? { [name]: 'yes' } : undefined,
          annotations: is.metadata ? { [`example.com/${name}`]: 'yes' } : undefined,
          parameters:
            is.parameter === 'none'
              ? undefined
              : [
                  without({
                    annotation: `${name}.sidecar-injector.io/a`,
                    field: '/containers/0/env/0/value',
                    type: 'string',
                    default: is.parameter === 'default' ? 'd' : undefined,
                  }),
                ],
        }),
      );
    });
}

/** Snapshots with up to three templates, all of them chosen in some order, mostly with the proxy among them. */
export const anySnapshotWithTemplates: fc.Arbitrary<Snapshot> = fc
  .tuple(
    fc.tuple(anyTemplate(0), anyTemplate(1), anyTemplate(2)),
    fc.shuffledSubarray(['sidecar', 't0', 't1', 't2'], { minLength: 1 }),
    fc.constantFrom('always', 'never'),
  )
  .map(([templates, defaultTemplates, nativeSidecars]) =>
    snapshotOf({ injection: { defaultTemplates, nativeSidecars } }, { templates }),
  );
