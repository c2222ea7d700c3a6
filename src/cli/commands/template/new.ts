import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quote } from '../../../grammar/problem.ts';
import { exitCodes, report, usageFailure, type Io } from '../../io.ts';

const template = (
  name: string,
): string => `# ${name}: say in one sentence what it does. How to write one: docs/sidecars.md
apiVersion: sidecar-injector.io/v1alpha1
kind: SidecarTemplate
metadata:
  name: ${name}
spec:
  mode: native
  order: { proxy: after }
  failure: podGoesOn
  parameters:
    - annotation: ${name}.sidecar-injector.io/interval
      description: Seconds between two lines.
      field: /containers/0/env/0/value
      type: integer
      minimum: 1
      maximum: 3600
  containers:
    - name: ${name}
      image: busybox:1.37
      command: [sh, -c, 'trap exit TERM; while :; do date; sleep "$INTERVAL" & wait; done']
      env:
        - { name: INTERVAL, value: '60' }
      resources:
        requests: { cpu: 10m, memory: 16Mi }
        limits: { cpu: 100m, memory: 32Mi }
      securityContext:
        allowPrivilegeEscalation: false
        capabilities: { drop: [ALL] }
        readOnlyRootFilesystem: true
        runAsGroup: 10000
        runAsNonRoot: true
        runAsUser: 10000
        seccompProfile: { type: RuntimeDefault }
      volumeMounts:
        - { name: ${name}-no-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true }
  volumes:
    # Takes the place of the API token, which it does not need.
    - { name: ${name}-no-token, emptyDir: { sizeLimit: 64Ki } }
`;

const test = (name: string): string => `apiVersion: sidecar-injector.io/v1alpha1
kind: TemplateTest
metadata:
  name: beside the proxy
spec:
  pod:
    metadata:
      name: web
      annotations: { inject.istio.io/templates: 'sidecar,${name}', ${name}.sidecar-injector.io/interval: '5' }
    spec:
      containers: [{ name: app, image: 'app:1' }]
  expect:
    initContainers: [istio-init, istio-proxy, ${name}]
    containers: [app]
    pod:
      spec:
        initContainers:
          - name: ${name}
            restartPolicy: Always
            env: [{ name: INTERVAL, value: '5' }]
---
apiVersion: sidecar-injector.io/v1alpha1
kind: TemplateTest
metadata:
  name: a bad value is refused
spec:
  pod:
    metadata:
      annotations: { inject.istio.io/templates: ${name}, ${name}.sidecar-injector.io/interval: often }
    spec:
      containers: [{ name: app, image: 'app:1' }]
  expect:
    outcome: reject
    reasons: [InvalidAnnotation]
    messages: ['"often" is not allowed; allowed: an integer from 1 to 3600']
`;

/** `template new`: a template that works, with its tests, to be changed into what is wanted. */
export async function runTemplateNew(name: string, folder: string, io: Io): Promise<number> {
  if (!/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(name) || name === 'sidecar') {
    const remedy = 'give a DNS label of at most 42 characters other than sidecar';
    return report(usageFailure(`${quote(name)} is no name for a template`, remedy), io);
  }
  const files = [
    { file: path.join(folder, 'template.yaml'), text: template(name) },
    { file: path.join(folder, 'tests', `${name}.yaml`), text: test(name) },
  ];
  try {
    await mkdir(path.join(folder, 'tests'), { recursive: true });
    for (const { file, text } of files) await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const { code, path: file = folder } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written: ${code}`;
    const remedy = 'name a new folder with --out; nothing is overwritten';
    return report({ problems: [`${file}: ${why}`], remedy, code: exitCodes.failed }, io);
  }
  for (const { file } of files) io.stdout(`${file}\n`);
  return exitCodes.fine;
}
