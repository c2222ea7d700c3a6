import { ports } from '../../pod/conventions.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { fieldVariable, resourcesOf, variable } from './container-parts.ts';
import { agentEnvironment } from './environment.ts';
import { canonicalLabels, defaultContainers } from './identity-labels.ts';
import { agentContainer, readinessNumbers } from './proxy-container.ts';
import { applicationNames, revisionOf, statusPortOf, type TemplateData } from './template-data.ts';
import { type TemplatePod } from './template-pod.ts';
import { agentVolumes, sharedWithApplications } from './volumes.ts';

/** Probes are not rewritten: there is no proxy in their way. */
const probesStay = { [names.rewriteProbes]: 'false' };

/** Returns Istio's template `grpc-agent`: the agent without Envoy, for gRPC applications that speak xDS themselves. */
export function grpcAgentTemplate(data: TemplateData): TemplatePod {
  const { volumes, mounts } = agentVolumes(data);
  const wait = ['pilot-agent', 'wait', `--url=http://localhost:${ports.status}/healthz/ready`];
  const shared = sharedWithApplications(data);
  return {
    labels: canonicalLabels(data),
    annotations: { [names.revision]: revisionOf(data.values), ...defaultContainers(data), ...probesStay },
    initContainers: [],
    containers: [
      {
        ...agentContainer(data, 'sidecar', { containerPort: ports.status, name: 'mesh-metrics' }),
        lifecycle: { postStart: { exec: { command: wait } } },
        env: agentEnvironment(data),
        ...(statusPortOf(data) === '0'
          ? {}
          : {
              readinessProbe: { httpGet: { path: '/healthz/ready', port: ports.status }, ...readinessNumbers(data) },
            }),
        resources: resourcesOf(data),
        volumeMounts: mounts,
      },
      ...applicationNames(data).map((name) => ({
        name,
        env: [
          variable('GRPC_XDS_EXPERIMENTAL_SECURITY_SUPPORT', 'true'),
          variable('GRPC_XDS_BOOTSTRAP', '/etc/istio/proxy/grpc-bootstrap.json'),
        ],
        volumeMounts: shared,
      })),
    ],
    volumes,
    imagePullSecrets: data.values.global.imagePullSecrets,
  };
}

const folder = '/var/lib/grpc/data/';
const bootstrapMount = { mountPath: folder, name: 'grpc-io-proxyless-bootstrap' };

/**
 * Script of the init container. The shell fills in the pod's address and name; no text of a user becomes part of it.
 */
const bootstrapScript = `NODE_ID="sidecar~\${INSTANCE_IP}~\${POD_NAME}.\${POD_NAMESPACE}~cluster.local"
SERVER_URI="dns:///istiod.\${ISTIO_NAMESPACE}.svc:15010"
echo '
{
  "xds_servers": [
    {
      "server_uri": "'\${SERVER_URI}'",
      "channel_creds": [{"type": "insecure"}],
      "server_features" : ["xds_v3"]
    }
  ],
  "node": {
    "id": "'\${NODE_ID}'",
    "metadata": {
      "GENERATOR": "grpc"
    }
  }
}' > ${folder}bootstrap.json`;

/**
 * Returns Istio's template `grpc-simple`: a bootstrap file for gRPC applications, without agent, certificates or proxy.
 */
export function grpcSimpleTemplate(data: TemplateData): TemplatePod {
  return {
    labels: {},
    annotations: probesStay,
    initContainers: [
      {
        name: 'grpc-bootstrap-init',
        image: 'busybox:1.28',
        volumeMounts: [bootstrapMount],
        env: [
          fieldVariable('INSTANCE_IP', 'status.podIP'),
          fieldVariable('POD_NAME', 'metadata.name'),
          fieldVariable('POD_NAMESPACE', 'metadata.namespace'),
          variable('ISTIO_NAMESPACE', `${data.values.global.istioNamespace}\n`),
        ],
        command: ['sh', '-c', bootstrapScript],
      },
    ],
    containers: data.containers.map((container) => ({
      name: typeof container['name'] === 'string' ? container['name'] : '',
      env: [
        variable('GRPC_XDS_BOOTSTRAP', `${folder}bootstrap.json`),
        variable('GRPC_GO_LOG_VERBOSITY_LEVEL', '99'),
        variable('GRPC_GO_LOG_SEVERITY_LEVEL', 'info'),
      ],
      volumeMounts: [bootstrapMount],
    })),
    volumes: [{ name: 'grpc-io-proxyless-bootstrap', emptyDir: {} }],
    imagePullSecrets: [],
  };
}
