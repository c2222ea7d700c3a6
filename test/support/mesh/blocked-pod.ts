import { port, type MeshPod, type MeshScene } from './mesh-scene.ts';

/** What a pod that is cut off notices: its connections are reset, or nothing is answered any more. */
export type Cut = 'reset' | 'silence';

/** Keeps a pod's proxy from its control plane. Returns a function that lets it through again. */
export function block({ network }: MeshScene, pod: MeshPod, cut: Cut): () => void {
  const target = cut === 'reset' ? ['REJECT', '--reject-with', 'tcp-reset'] : ['DROP'];
  const rule = ['OUTPUT', '-p', 'tcp', '--dport', String(port), '-j', ...target];
  const change = (how: '-I' | '-D'): void => {
    const { status, stderr } = network.run(pod.network.name, ['iptables', how, ...rule]);
    if (status !== 0) throw new Error(stderr);
  };
  change('-I');
  return () => change('-D');
}
