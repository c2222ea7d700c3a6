/** A manifest to begin with. */
export interface Example {
  readonly title: string;
  readonly manifest: string;
  readonly settings?: string;
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web, version: v1}
    spec:
      containers:
        - name: web
          image: nginx:1.29
          ports:
            - {name: http, containerPort: 8080}
          readinessProbe:
            httpGet: {path: /healthz, port: http}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80, targetPort: http}
`;

const bypass = `apiVersion: v1
kind: Pod
metadata:
  name: shop
  labels: {app: shop}
  annotations:
    # Databases, and what is outside of the cluster, do not go through the proxy.
    traffic.sidecar.istio.io/excludeOutboundPorts: "3306,5432"
    traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.20.0.0/16
    traffic.sidecar.istio.io/excludeInboundPorts: "9000-9010"
spec:
  containers:
    - name: shop
      image: registry.example.com/shop:4
      ports:
        - {containerPort: 8080}
        - {containerPort: 9000}
    - name: cache
      image: memcached:1.6
      ports:
        - {containerPort: 11211}
`;

const denied = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            traffic.sidecar.istio.io/excludeOutboundPorts: "70000"
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example.com/report:2
`;

/** In the order of the page; the first one is there when it opens. */
export const examples: readonly Example[] = [
  { title: 'A Deployment and its Service', manifest: deployment },
  { title: 'A pod with traffic that bypasses the proxy', manifest: bypass },
  {
    title: 'Istio’s own proxy, with DNS (mode istiod)',
    manifest: deployment.replace(
      '      labels: {app: web, version: v1}\n',
      `      labels: {app: web, version: v1}
      annotations:
        proxy.istio.io/config: |
          proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true"}
`,
    ),
    settings:
      'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec:\n  mode: istiod\n  istiod:\n    values:\n      global: {tag: 1.28.0}\n',
  },
  { title: 'A CronJob that is denied', manifest: denied },
];
