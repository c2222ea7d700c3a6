import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { JsonObject } from '../../../../src/json/json.ts';
import { parseQuantity } from '../../../../src/grammar/quantity.ts';
import { containerOf, decideOn, injectedPod, podWith, type InjectedPod } from '../../../support/builders/decisions.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../../../support/processes/istiod.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';
import { templateObject } from '../../../support/builders/templates.ts';

const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };

function resourcesOf(pod: InjectedPod, name: string) {
  return containerOf(pod, name)['resources'] as Record<'requests' | 'limits', Record<string, string>>;
}

describe('resources of the pod as a whole', () => {
  test('without them nothing changes', () => {
    expect(resourcesOf(injectedPod(podWith()), 'istio-proxy').requests).toEqual({ cpu: '100m', memory: '128Mi' });
    expect(decideOn(podWith({ spec: { resources: {} } })).warnings).toEqual([]);
  });

  test('what fits stays', () => {
    const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '4', memory: '2Gi' } };
    const pod = podWith({ spec: { resources }, container: { resources: { requests: { cpu: '500m' } } } });
    expect(resourcesOf(injectedPod(pod), 'istio-proxy')).toEqual(resourcesOf(injectedPod(podWith()), 'istio-proxy'));
    expect(decideOn(pod).warnings).toEqual([]);
  });

  test('a limit above the pod’s and a request above what is left are cut, and said', () => {
    const resources = { requests: { cpu: '550m', memory: '64Mi' }, limits: { cpu: '1', memory: '512Mi' } };
    const pod = podWith({ spec: { resources }, container: { resources: { requests: { cpu: '500m' } } } });
    expect(resourcesOf(injectedPod(pod), 'istio-proxy')).toEqual({
      requests: { cpu: '50m', memory: '67108864' },
      limits: { cpu: '1000m', memory: '536870912' },
    });
    expect(decideOn(pod).warnings).toEqual(
      expect.arrayContaining([
        "sidecar-injector: istio-proxy: cpu requests are reduced to 50m, to fit into the pod's resources",
        "sidecar-injector: istio-proxy: memory limits are reduced to 512Mi, to fit into the pod's resources",
        "sidecar-injector: istio-proxy: memory requests are reduced to 64Mi, to fit into the pod's resources",
      ]),
    );
  });

  test('a pod that is full leaves a request of nothing', () => {
    const resources = { requests: { cpu: '500m' } };
    const pod = podWith({ spec: { resources }, container: { resources: { limits: { cpu: '500m' } } } });
    expect(resourcesOf(injectedPod(pod), 'istio-proxy').requests['cpu']).toBe('0m');
  });
});

/** The API server's rule, kubernetes/pkg/apis/core/validation validatePodResources, in its own words here. */
function isLegal(pod: InjectedPod, resource: 'cpu' | 'memory', total: { request: number; limit: number }): boolean {
  const all = [...pod.spec.initContainers, ...pod.spec.containers];
  const amount = (container: (typeof all)[number], list: 'requests' | 'limits'): number | undefined => {
    const text = (container['resources'] as Partial<Record<string, Record<string, string>>> | undefined)?.[list]?.[
      resource
    ];
    return text === undefined ? undefined : parseQuantity(text);
  };
  const request = (container: (typeof all)[number]): number =>
    amount(container, 'requests') ?? amount(container, 'limits') ?? 0;
  let sidecars = 0;
  let worst = 0;
  for (const container of pod.spec.initContainers) {
    if (container['restartPolicy'] === 'Always') sidecars += request(container);
    worst = Math.max(worst, sidecars + (container['restartPolicy'] === 'Always' ? 0 : request(container)));
  }
  const running = pod.spec.containers.reduce((sum, container) => sum + request(container), sidecars);
  const slack = resource === 'cpu' ? 1e-6 : 0.5;
  return (
    Math.max(worst, running) <= total.request + slack &&
    all.every((container) => (amount(container, 'limits') ?? 0) <= total.limit + slack)
  );
}

const milli = fc.integer({ min: 0, max: 800 });

test('an injected pod keeps within its own resources whenever it did before', () => {
  fc.assert(
    fc.property(milli, milli, milli, milli, fc.boolean(), (app, init, sidecar, more, native) => {
      const before = Math.max(app + sidecar, init + sidecar);
      const total = { request: (before + more) / 1000, limit: (before + more + 100) / 1000 };
      const requests = (cpu: number) => ({ requests: { cpu: `${cpu}m` } });
      const pod = podWith({
        annotations: native ? {} : classic,
        container: { resources: requests(app) },
        spec: {
          resources: { requests: { cpu: `${before + more}m` }, limits: { cpu: `${before + more + 100}m` } },
          initContainers: [
            { name: 'logs', restartPolicy: 'Always', resources: requests(sidecar) },
            { name: 'migrate', resources: requests(init) },
          ],
        },
      });
      expect(isLegal(injectedPod(pod), 'cpu', total)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

describe('in the mode istiod', () => {
  const native = istiodSnapshot();
  const classicOnly = istiodSnapshot({}, { spec: { injection: { nativeSidecars: 'never' } } });
  const nodeAgent = istiodSnapshot({ pilot: { cni: { enabled: true } } });
  const app = (cpu: string) => ({ name: 'app', image: 'shop:1', resources: { requests: { cpu } } });

  test('the proxy is fitted and says so; the application is not touched', () => {
    const resources = { requests: { cpu: '250m' }, limits: { cpu: '1' } };
    const { decision, container } = injectWithIstiod(istioPod({}, { containers: [app('200m')], resources }), native);
    expect(container('istio-proxy')).toHaveProperty('resources.requests.cpu', '50m');
    expect(container('istio-proxy')).toHaveProperty('resources.limits.cpu', '1000m');
    expect(container('app')).toEqual(expect.objectContaining(app('200m')));
    expect(decision.warnings).toContain(
      "sidecar-injector: istio-proxy: cpu requests are reduced to 50m, to fit into the pod's resources",
    );
  });

  test('no pod leaves its own resources because of what is injected', () => {
    const cpu = (value: number) => `${value}m`;
    const copy = fc.option(fc.record({ requests: milli, limits: milli }), { nil: undefined });
    const snapshot = fc.constantFrom(native, classicOnly, nodeAgent);
    fc.assert(
      fc.property(snapshot, milli, milli, milli, copy, (settings, application, init, more, own) => {
        const before = Math.max(application, init);
        const proxy = {
          name: 'istio-proxy',
          image: 'auto',
          resources: { requests: { cpu: cpu(own?.requests ?? 0) }, limits: { cpu: cpu(own?.limits ?? 0) } },
        };
        const pod = istioPod(
          {},
          {
            containers: [app(cpu(application)), ...(own === undefined ? [] : [proxy])],
            initContainers: [{ ...app(cpu(init)), name: 'migrate' }],
            resources: { requests: { cpu: cpu(before + more) }, limits: { cpu: cpu(before + more + 100) } },
          },
        );
        const injected = injectWithIstiod(pod, settings).pod as unknown as InjectedPod;
        const most = { request: (before + more) / 1000, limit: (before + more + 100) / 1000 };
        expect(isLegal(injected, 'cpu', most)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('with further sidecars', () => {
  const shipper = {
    name: 'shipper',
    image: 'shipper:1',
    resources: { requests: { cpu: '300m' }, limits: { cpu: '2' } },
  };
  const setup = { name: 'setup', image: 'setup:1', resources: { limits: { cpu: '3' } } };
  const snapshotWith = (mode: string) =>
    snapshotOf(
      {},
      { templates: [templateObject('shipper', { mode, containers: [shipper], initContainers: [setup] })] },
    );
  const ask = (requests: JsonObject, limits: JsonObject, templates = 'sidecar,shipper') =>
    podWith({
      annotations: { 'inject.istio.io/templates': templates },
      container: { resources: { requests: { cpu: '500m' } } },
      spec: { resources: { requests, limits } },
    });

  test.each(['native', 'classic'])('the proxy takes what a %s sidecar leaves', (mode) => {
    const pod = injectedPod(ask({ cpu: '850m' }, { cpu: '4' }), snapshotWith(mode));
    expect(resourcesOf(pod, 'shipper')).toEqual({ requests: { cpu: '300m' }, limits: { cpu: '2' } });
    expect(resourcesOf(pod, 'istio-proxy').requests['cpu']).toBe('50m');
    expect(resourcesOf(pod, 'setup')).toEqual({ limits: { cpu: '3' }, requests: { cpu: '500m' } });
  });

  test('what does not fit at all is cut in the sidecar too, and said', () => {
    const decision = decideOn(ask({ cpu: '600m' }, { cpu: '1' }), snapshotWith('native'));
    const pod = injectedPod(ask({ cpu: '600m' }, { cpu: '1' }), snapshotWith('native'));
    expect(resourcesOf(pod, 'shipper')).toEqual({ requests: { cpu: '100m' }, limits: { cpu: '1000m' } });
    expect(resourcesOf(pod, 'istio-proxy').requests['cpu']).toBe('0m');
    expect(decision.warnings).toEqual(
      expect.arrayContaining([
        "sidecar-injector: shipper: cpu limits are reduced to 1, to fit into the pod's resources",
        "sidecar-injector: shipper: cpu requests are reduced to 100m, to fit into the pod's resources",
      ]),
    );
  });

  test('a sidecar without the proxy', () => {
    const pod = injectedPod(ask({ cpu: '600m' }, { cpu: '1' }, 'shipper'), snapshotWith('native'));
    expect(resourcesOf(pod, 'shipper').requests).toEqual({ cpu: '100m' });
  });

  test('no pod leaves its own resources because of what is injected', () => {
    const resources = fc.record(
      { requests: milli, limits: fc.integer({ min: 800, max: 2_000 }) },
      { requiredKeys: [] },
    );
    const text = (of: { requests?: number; limits?: number }) =>
      Object.fromEntries(Object.entries(of).map(([list, value]) => [list, { cpu: `${value}m` }]));
    const template = (index: number, mode: string, running: object, starting: object) =>
      templateObject(`t${index}`, {
        mode,
        containers: [{ name: `t${index}`, image: 'x:1', resources: text(running) }],
        initContainers: [{ name: `t${index}-i`, image: 'x:1', resources: text(starting) }],
      });
    const mode = fc.constantFrom('native', 'classic');
    const any = fc.tuple(mode, resources, resources);
    fc.assert(
      fc.property(
        any,
        any,
        milli,
        milli,
        milli,
        fc.boolean(),
        fc.boolean(),
        (one, other, app, init, more, native, proxy) => {
          const snapshot = snapshotOf({}, { templates: [template(0, ...one), template(1, ...other)] });
          const most = {
            request: (Math.max(app, init) + more) / 1000,
            limit: (Math.max(app, init) + more + 100) / 1000,
          };
          const cpu = (value: number) => ({ cpu: `${Math.round(value * 1000)}m` });
          const pod = podWith({
            annotations: {
              ...(native ? {} : classic),
              'inject.istio.io/templates': proxy ? 't0,sidecar,t1' : 't0,t1',
            },
            container: { resources: { requests: cpu(app / 1000) } },
            spec: {
              resources: { requests: cpu(most.request), limits: cpu(most.limit) },
              initContainers: [{ name: 'migrate', image: 'x', resources: { requests: cpu(init / 1000) } }],
            },
          });
          expect(isLegal(injectedPod(pod, snapshot), 'cpu', most)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
