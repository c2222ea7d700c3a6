import { describe, expect, test } from '@jest/globals';
import * as fc from '../../../support/fast-check.ts';
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

describe("the pod's own copy", () => {
  const withCopy = (name: string, resources: JsonObject, spec: JsonObject = {}) => {
    const copy = { name, image: 'auto', resources };
    return podWith({ spec: { containers: [{ name: 'app', image: 'app:1' }, copy], ...spec } });
  };

  test.each<[string, JsonObject, JsonObject, JsonObject]>([
    ['a request above our limit', { requests: { cpu: '3' } }, { cpu: '3' }, { cpu: '3' }],
    ['a limit below our request', { limits: { cpu: '10m' } }, { cpu: '10m' }, { cpu: '10m' }],
    ['numbers', { requests: { cpu: 3 } }, { cpu: '3' }, { cpu: '3' }],
    [
      'both',
      { requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '2m', memory: '2Mi' } },
      { cpu: '1m', memory: '1Mi' },
      { cpu: '2m', memory: '2Mi' },
    ],
    [
      'disk and what we do not know',
      { requests: { 'ephemeral-storage': '2Gi' }, limits: { 'ephemeral-storage': '1Gi', 'example.com/x': '1' } },
      { 'ephemeral-storage': '2Gi' },
      { 'ephemeral-storage': '1Gi', 'example.com/x': '1' },
    ],
  ])('%s: the other follows', (_what, resources, requests, limits) => {
    for (const name of ['istio-proxy', 'istio-init']) {
      const injected = resourcesOf(injectedPod(withCopy(name, resources)), name);
      expect(injected).toMatchObject({ requests, limits });
    }
  });

  test('the proxy is built for the limits that its copy asks for', () => {
    const resources = { limits: { cpu: '4', memory: '128Mi' } };
    const args = containerOf(injectedPod(withCopy('istio-proxy', resources)), 'istio-proxy')['args'] as string[];
    expect(args[args.indexOf('--concurrency') + 1]).toBe('4');
    expect(args.join(' ')).toContain('max_active_downstream_connections: 315');
  });

  test('is fitted into the resources of the pod where it runs then, beside the init containers', () => {
    const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } };
    const pod = withCopy('istio-proxy', resources, {
      resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } },
      initContainers: [{ name: 'prepare', image: 'x', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
    });
    expect(resourcesOf(injectedPod(pod), 'istio-proxy').requests).toEqual({ cpu: '900m', memory: '1006632960' });
  });

  test('huge pages cannot be fitted: they are refused where the pod has its own', () => {
    const pages = { 'hugepages-2Mi': '4Mi' };
    const pod = (spec: JsonObject) => withCopy('istio-proxy', { requests: pages, limits: pages }, spec);
    expect(decideOn(pod({ resources: { limits: pages } })).reasons).toEqual([
      {
        code: 'InvalidOverride',
        message:
          'container "istio-proxy", resources: hugepages-2Mi may not be set where the pod has resources of its own for it',
      },
    ]);
    expect(resourcesOf(injectedPod(pod({})), 'istio-proxy')).toMatchObject({ requests: pages, limits: pages });
  });

  test('a cap holds for what follows, too', () => {
    const snapshot = snapshotOf({ profiles: [{ name: 'p', namespaces: ['*'], caps: { cpu: '2' } }] });
    expect(decideOn(withCopy('istio-proxy', { requests: { cpu: '3' } }), snapshot).reasons[0].code).toBe(
      'InvalidOverride',
    );
    expect(
      resourcesOf(injectedPod(withCopy('istio-proxy', { requests: { cpu: '2' } }), snapshot), 'istio-proxy'),
    ).toMatchObject({ limits: { cpu: '2' } });
  });

  test('in the mode istiod', () => {
    const copy = { name: 'istio-proxy', image: 'auto', resources: { requests: { cpu: '3' } } };
    const pod = istioPod({}, { containers: [{ name: 'app', image: 'shop:1' }, copy] });
    const { container } = injectWithIstiod(pod, istiodSnapshot());
    expect(container('istio-proxy')).toMatchObject({ resources: { requests: { cpu: '3' }, limits: { cpu: '3' } } });
  });
});

describe('requests above limits, whoever has set them', () => {
  test('a profile', () => {
    const profile = { name: 'p', namespaces: ['*'], resources: { limits: { cpu: '50m' } } };
    const injected = injectedPod(podWith(), snapshotOf({ profiles: [profile] }));
    expect(resourcesOf(injected, 'istio-proxy')).toMatchObject({ requests: { cpu: '50m' }, limits: { cpu: '50m' } });
  });

  test("a profile's patch", () => {
    const proxyPatch = [{ op: 'replace', path: '/resources/limits/memory', value: '64Mi' }];
    const snapshot = snapshotOf({ profiles: [{ name: 'p', namespaces: ['*'], proxyPatch }] });
    expect(resourcesOf(injectedPod(podWith(), snapshot), 'istio-proxy').requests['memory']).toBe('64Mi');
    expect(decideOn(podWith(), snapshot).warnings).toEqual([
      'sidecar-injector: istio-proxy: memory requests are 64Mi and not 128Mi, which is above the limit',
    ]);
  });

  test("a template's parameter", () => {
    const container = {
      name: 'shipper',
      image: 'shipper:1',
      resources: { requests: { memory: '64Mi' }, limits: { memory: '128Mi' } },
    };
    const parameters = [
      {
        annotation: 'shipper.sidecar-injector.io/memory',
        type: 'quantity',
        field: '/containers/0/resources/limits/memory',
        default: '128Mi',
      },
    ];
    const snapshot = snapshotOf(
      {},
      { templates: [templateObject('shipper', { containers: [container], parameters })] },
    );
    const annotations = {
      'inject.istio.io/templates': 'sidecar,shipper',
      'shipper.sidecar-injector.io/memory': '32Mi',
    };
    expect(resourcesOf(injectedPod(podWith({ annotations }), snapshot), 'shipper')).toEqual({
      requests: { memory: '32Mi' },
      limits: { memory: '32Mi' },
    });
  });
});
