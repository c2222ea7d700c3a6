import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { createAuthority } from '../../../src/certs/authority.ts';
import { sameCertificates } from '../../../src/certs/bundle.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { authoritySecret } from '../../support/builders/authority-secret.ts';
import { createClusterNamespace, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { createPodsDuring } from '../../support/cluster/pod-stream.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';

jest.setTimeout(240_000);

let namespace: ClusterNamespace;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
});
afterEach(async () => {
  await system.kubectl('apply', '-f', path.join(root, 'deploy/install.yaml'));
  await system.untilSettled();
});
afterAll(() => namespace.remove());

/** Expects that no pod is refused, or created without a proxy, while something is done. */
async function expectNoneLost(act: () => Promise<unknown>): Promise<void> {
  const { created, refused, bare } = await createPodsDuring(namespace.name, act);
  expect({ refused, bare }).toEqual({ refused: {}, bare: 0 });
  expect(created).toBeGreaterThan(0);
}

/** Waits until a replica has logged the text. */
const untilLogged = (text: string) =>
  until(
    `a replica has logged ${text}`,
    async () => {
      const logs = ['logs', '--selector=app=sidecar-injector', '--tail=-1', '--ignore-errors'];
      return (await system.tryKubectl(...logs)).stdout.includes(text) || undefined;
    },
    90_000,
  );

describe('what an administrator puts into the CA’s Secret costs no pod', () => {
  test('another CA: it is taken up, and the old one is trusted until all have', async () => {
    const authority = await createAuthority({ now: new Date(), lifetimeMs: 365 * dayMs });
    await expectNoneLost(async () => {
      await authoritySecret.write({ 'ca.crt': authority.certificate, 'ca.key': authority.privateKey });
      await until(
        'the new CA alone is trusted',
        async () => {
          const bundles = await authoritySecret.readTrusted();
          return bundles.every((bundle) => sameCertificates(bundle, authority.certificate)) || undefined;
        },
        90_000,
      );
    });
  });

  test('a CA of the future: it is left alone', async () => {
    const before = await authoritySecret.read();
    const future = await createAuthority({ now: new Date(Date.now() + 2 * dayMs), lifetimeMs: 365 * dayMs });
    await expectNoneLost(async () => {
      await authoritySecret.write({ 'ca.crt': future.certificate, 'ca.key': future.privateKey });
      await untilLogged("key 'ca.crt': is not valid before");
      expect((await authoritySecret.read())['ca.crt']).toBe(future.certificate);
      await authoritySecret.write(before);
    });
  });
});

test('an overlay whose Secret is missing does not replace those that serve', async () => {
  await expectNoneLost(async () => {
    await system.kubectl('apply', '-k', path.join(root, 'deploy/overlays/file-certs'));
    await until(
      'a new replica misses the Secret',
      async () => {
        const events = await system.kubectl('get', 'events', '--field-selector=reason=FailedMount');
        return events.includes('sidecar-injector-tls') || undefined;
      },
      90_000,
    );
    expect(await system.countReady()).toBe(2);
  });
});

test('wrong settings: the last good ones stay; a replica that starts with them says what is wrong', async () => {
  const settings = 'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: { proxi: {} }\n';
  const sentence = 'settings.yaml: spec.proxi: unknown key, did you mean \\"proxy\\"?';
  await expectNoneLost(async () => {
    const patch = JSON.stringify({ data: { 'settings.yaml': settings } });
    await system.kubectl('patch', 'configmap', 'sidecar-injector-settings', '--type=merge', `--patch=${patch}`);
    await until(
      'every replica has refused them',
      async () => {
        const pages = await system.readMetrics();
        return pages.every((page) => /^sidecar_injector_configuration_valid 0$/m.test(page)) || undefined;
      },
      90_000,
    );
    await untilLogged(sentence);
    const pods = (await system.kubectl('get', 'pods', '--selector=app=sidecar-injector', '-o=name')).split('\n');
    await system.kubectl('delete', pods[0] ?? '', '--wait=false');
    await untilLogged('error: /etc/sidecar-injector/settings/settings.yaml: spec.proxi');
  });
});
