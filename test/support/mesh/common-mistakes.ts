/*
 * Manifests as introductions to Istio have them, with mistakes that are made again and again. Istio takes most of them without a word.
 */

/** Limits and ejection, under a name that Istio does not know. */
export const circuitBreaker = `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: httpd-circuit-breaker
spec:
  host: httpd-service
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 10
      http:
        http1MaxPendingRequests: 10
        maxRequestsPerConnection: 2
    circuitBreaker:
      consecutiveErrors: 3
      interval: 30s
      baseEjectionTime: 30s
`;

/** A split and a canary without hosts, and subsets that nothing defines. */
export const split = `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: httpd-traffic-split
spec:
  http:
  - match:
    - headers:
        canary:
          exact: "true"
    route:
    - destination:
        host: httpd-service
        subset: v2
  - route:
    - destination:
        host: httpd-service
        subset: v1
      weight: 90
    - destination:
        host: httpd-service
        subset: v2
      weight: 10
`;

/** Retries without hosts, for the host of the other one. */
export const retry = `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: httpd-retry
spec:
  http:
  - route:
    - destination:
        host: httpd-service
    retries:
      attempts: 3
      perTryTimeout: 2s
      retryOn: 5xx,reset,connect-failure,refused-stream
`;
