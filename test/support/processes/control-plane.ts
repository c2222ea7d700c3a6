import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from '../../harness/tools/kubernetes.ts';
import { startProgram, type BackgroundProgram } from './background-program.ts';
import { findFreePort } from '../http/free-port.ts';
import { until } from '../waiting.ts';

/** How to reach an API server; plain data, so that it can be handed to another process. */
export interface ClusterAccess {
  readonly url: string;
  /** PEM bundle that verifies the API server. */
  readonly ca: string;
  /** Bearer token of a cluster administrator. */
  readonly token: string;
  /** The same in a file for kubectl. */
  readonly kubeconfig: string;
  /** Holds the logs of all parts, and `audit.log` with one JSON event a line. */
  readonly folder: string;
}

/** A control plane of this test run: etcd, kube-apiserver and kube-controller-manager, no node. */
export interface ControlPlane extends ClusterAccess {
  /** Ends the API server alone; its data stays. */
  stopApiServer(): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  startApiServer(): Promise<void>;
  stop(): Promise<void>;
}

/** What is to run. */
export interface ControlPlaneOptions {
  /** Without it, no Deployment makes pods and no namespace gets its `default` ServiceAccount. */
  readonly controllers?: boolean;
  /** Further arguments of kube-apiserver. */
  readonly apiServerArguments?: readonly string[];
}

/**
 * Starts a control plane on free ports of 127.0.0.1, as any user, in about three seconds. The API server signs its own
 * certificate and knows its administrator from a token file, so there is no further set-up.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-control-plane-'));
  const file = (name: string) => path.join(folder, name);
  const [etcdPort, peerPort, port] = await Promise.all([findFreePort(), findFreePort(), findFreePort()]);
  const token = randomBytes(16).toString('hex');
  await writeSecrets(folder, token);
  const running = new Map<string, BackgroundProgram>();
  const start = (name: Parameters<typeof findProgram>[0], args: readonly string[]) => {
    const command = [findProgram(name, process.env), ...args] as const;
    const program = startProgram(name, command, { logFile: file(`${name}.log`) });
    running.set(name, program);
    return program;
  };
  // The data is thrown away, and after SIGTERM the API server would wait a minute for open watches.
  const end = async (name: string) => {
    await running.get(name)?.stop('SIGKILL');
  };
  const stop = async () => {
    for (const name of [...running.keys()].toReversed()) await end(name);
    await rm(folder, { recursive: true, force: true });
  };

  const url = `https://127.0.0.1:${port}`;
  const startApiServer = async () => {
    const flags = [...apiServerFlags(folder, etcdPort, port), ...(options.apiServerArguments ?? [])];
    const program = start('kube-apiserver', flags);
    // Written by the API server itself: its certificate and the CA that signed it.
    const answers = async () =>
      answersReady(url, token, await readFile(file('certs/apiserver.crt'), 'utf8').catch(() => ''));
    await untilRunning(program, `the API server's /readyz`, answers);
  };
  try {
    start('etcd', etcdFlags(folder, etcdPort, peerPort));
    await startApiServer();
    const ca = await readFile(file('certs/apiserver.crt'), 'utf8');
    const kubeconfig = file('kubeconfig');
    await writeFile(kubeconfig, renderKubeconfig({ url, ca, token }), { mode: 0o600 });
    if (options.controllers ?? true) start('kube-controller-manager', managerFlags(folder, kubeconfig));
    return { url, ca, token, kubeconfig, folder, stop, startApiServer, stopApiServer: () => end('kube-apiserver') };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A kubeconfig with one cluster and one user. */
export function renderKubeconfig({ url, ca, token }: Pick<ClusterAccess, 'url' | 'ca' | 'token'>): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
  });
}

async function writeSecrets(folder: string, token: string): Promise<void> {
  await mkdir(path.join(folder, 'certs'), { recursive: true });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(path.join(folder, 'service-accounts.key'), key, { mode: 0o600 });
  await writeFile(path.join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const rules = [
    { level: 'Request', verbs: ['create'], resources: [{ group: '', resources: ['pods'] }] },
    { level: 'None' },
  ];
  const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules };
  await writeFile(path.join(folder, 'audit-policy.json'), JSON.stringify(policy));
}

function etcdFlags(folder: string, port: number, peerPort: number): readonly string[] {
  const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return [
    `--data-dir=${path.join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    '--log-outputs=stderr',
  ];
}

function apiServerFlags(folder: string, etcdPort: number, port: number): readonly string[] {
  const file = (name: string) => path.join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--cert-dir=${file('certs')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--allow-privileged=true',
    '--service-cluster-ip-range=10.96.0.0/24',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('service-accounts.key')}`,
    `--service-account-signing-key-file=${file('service-accounts.key')}`,
    `--audit-policy-file=${file('audit-policy.json')}`,
    `--audit-log-path=${file('audit.log')}`,
  ];
}

function managerFlags(folder: string, kubeconfig: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    '--secure-port=0',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    // Its own throttle would make the start three times as long.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    `--service-account-private-key-file=${path.join(folder, 'service-accounts.key')}`,
    `--root-ca-file=${path.join(folder, 'certs', 'apiserver.crt')}`,
  ];
}

async function untilRunning(program: BackgroundProgram, what: string, answers: () => Promise<boolean>): Promise<void> {
  const ask = async () => {
    if (!program.isRunning()) throw new Error(`${program.name} ended:\n${(await program.readLog()).slice(-2000)}`);
    return (await answers()) || undefined;
  };
  await until(what, ask, 60_000);
}

function answersReady(url: string, token: string, ca: string): Promise<boolean> {
  if (ca === '') return Promise.resolve(false);
  return new Promise((resolve) => {
    const call = request(`${url}/readyz`, { ca, agent: false, headers: { authorization: `Bearer ${token}` } });
    call.once('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', () => resolve(false));
    call.end();
  });
}
