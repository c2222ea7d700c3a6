import type { EndpointPlan, PortPlan, ServicePlan } from '../../../src/mesh/plan/service-plan.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';

/** An endpoint of the Service `cart` that has a pod with a version, and takes mutual TLS unless told otherwise. */
export function endpointPlan(last: number, version: string, more: Partial<EndpointPlan> = {}): EndpointPlan {
  const name = `cart-${last}`;
  return {
    address: `10.0.0.${last}`,
    port: 8080,
    health: 'healthy',
    pod: readPod({
      metadata: { name, namespace: 'shop', uid: name, labels: { app: 'cart', version } },
      spec: { serviceAccountName: `cart-${version}` },
      status: { podIPs: [{ ip: `10.0.0.${last}` }, { ip: `fd00::${last}` }] },
    }),
    identity: `spiffe://cluster.local/ns/shop/sa/cart-${version}`,
    ...more,
  };
}

/** The Service `cart` of the namespace `shop` with the port 80. */
export function cartPlan(
  endpoints: readonly EndpointPlan[],
  more: Partial<ServicePlan> & { readonly port?: Partial<PortPlan> } = {},
): ServicePlan {
  const { port, ...rest } = more;
  const address = rest.isHeadless === true ? undefined : '10.96.0.5';
  return {
    key: 'shop/cart',
    name: 'cart',
    namespace: 'shop',
    host: 'cart.shop.svc.cluster.local',
    isHeadless: false,
    hasAffinity: false,
    ports: [{ number: 80, protocol: 'http', address, secondFamily: undefined, endpoints, ...port }],
    ...rest,
  };
}
