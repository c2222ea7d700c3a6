import path from 'node:path';
import type { Command } from '../../tools/command.ts';
import { adminKubeconfig, nodeAddress, nodeName, type AddressFamily, type Place } from './place.ts';

/** Starts a component; `find` gives a program's path. */
export type CommandOf = (place: Place, find: (name: string) => string) => Command;

const kubeconfig = (place: Place, user: string) => path.join(place.folder, 'kubeconfig', user);
const listed = (families: readonly AddressFamily[], value: (family: AddressFamily) => string) =>
  families.map(value).join(',');
const quick = ['--kube-api-qps=500', '--kube-api-burst=1000'];

/** Every component of the node, in the order of their start. */
export const components = {
  etcd: ({ folder }, find) => [
    find('etcd'),
    `--data-dir=${path.join(folder, 'etcd')}`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=default=http://127.0.0.1:2380',
    '--unsafe-no-fsync',
    '--log-level=warn',
    '--log-outputs=stderr',
  ],
  containerd: ({ folder }) => ['containerd', '--config', path.join(folder, 'containerd.toml')],
  'kube-apiserver': ({ folder, families }, find) => [
    find('kube-apiserver'),
    '--etcd-servers=http://127.0.0.1:2379',
    '--bind-address=0.0.0.0',
    '--secure-port=6443',
    `--advertise-address=${nodeAddress}`,
    `--cert-dir=${path.join(folder, 'certs')}`,
    `--token-auth-file=${path.join(folder, 'tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--service-cluster-ip-range=${listed(families, ({ serviceNetwork }) => serviceNetwork)}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${path.join(folder, 'service-accounts.key')}`,
    `--service-account-signing-key-file=${path.join(folder, 'service-accounts.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--audit-policy-file=${path.join(folder, 'audit-policy.json')}`,
    `--audit-log-path=${path.join(folder, 'audit.log')}`,
  ],
  'kube-controller-manager': (place, find) => [
    find('kube-controller-manager'),
    `--kubeconfig=${kubeconfig(place, 'kube-controller-manager')}`,
    `--authentication-kubeconfig=${kubeconfig(place, 'kube-controller-manager')}`,
    `--authorization-kubeconfig=${kubeconfig(place, 'kube-controller-manager')}`,
    `--cert-dir=${path.join(place.folder, 'certs-controller-manager')}`,
    `--service-account-private-key-file=${path.join(place.folder, 'service-accounts.key')}`,
    `--root-ca-file=${path.join(place.folder, 'certs/apiserver.crt')}`,
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    ...quick,
  ],
  'kube-scheduler': (place, find) => [
    find('kube-scheduler'),
    `--kubeconfig=${kubeconfig(place, 'kube-scheduler')}`,
    `--authentication-kubeconfig=${kubeconfig(place, 'kube-scheduler')}`,
    `--authorization-kubeconfig=${kubeconfig(place, 'kube-scheduler')}`,
    `--cert-dir=${path.join(place.folder, 'certs-scheduler')}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    ...quick,
  ],
  kubelet: (place, find) => [
    find('kubelet'),
    `--config=${path.join(place.folder, 'kubelet.json')}`,
    `--kubeconfig=${kubeconfig(place, nodeName)}`,
    `--root-dir=${path.join(place.folder, 'kubelet')}`,
    `--cert-dir=${path.join(place.folder, 'kubelet/pki')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${listed(place.families, ({ node }) => node.address)}`,
  ],
  'kube-proxy': (place, find) => [
    find('kube-proxy'),
    `--kubeconfig=${kubeconfig(place, 'kube-proxy')}`,
    `--hostname-override=${nodeName}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${listed(place.families, ({ podNetwork }) => podNetwork)}`,
    // The limits of connection tracking are read-only inside a network namespace.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
    '--oom-score-adj=0',
  ],
} as const satisfies Readonly<Record<string, CommandOf>>;

/** Name of a component. */
export type Component = keyof typeof components;

/** Who calls the API server: name and group of each; all have a token of their own. */
export const users: readonly (readonly [name: string, group: string])[] = [
  ['admin', 'system:masters'],
  ['system:kube-controller-manager', ''],
  ['system:kube-scheduler', ''],
  [`system:node:${nodeName}`, 'system:nodes'],
  ['system:kube-proxy', ''],
];

/** The kubeconfig file of a user; the administrator's is `admin`. */
export function kubeconfigOf(place: Place, user: string): string {
  return user === 'admin' ? adminKubeconfig(place) : kubeconfig(place, user.split(':').at(-1) ?? user);
}
