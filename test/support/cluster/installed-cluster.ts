import { startControlPlane, type ControlPlane } from '../processes/control-plane.ts';
import { findFreePort } from '../http/free-port.ts';
import { startInjector, type InjectorProcess } from '../processes/injector-process.ts';
import { install, writeServiceAccountKubeconfig } from './installation.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../processes/test-cluster.ts';
import { until } from '../waiting.ts';

/** A control plane with the shipped manifests and a running injector. */
export interface InstalledCluster extends ControlPlane {
  readonly injector: InjectorProcess;
}

/**
 * Starts a control plane, applies the shipped manifests, and starts one replica of the injector that calls the API
 * server with the rights of the shipped ServiceAccount. Ready means that pods are injected.
 */
export async function startInstalledCluster(): Promise<InstalledCluster> {
  const controlPlane = await startControlPlane();
  try {
    const port = await findFreePort();
    await install(controlPlane, { port });
    const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
    const injector = await startInjector({ folder: controlPlane.folder, certificate: { kubeconfig }, port });
    const stop = async () => {
      await injector.stop('SIGTERM');
      await controlPlane.stop();
    };
    const cluster = openTestCluster(controlPlane);
    await untilInjecting(cluster).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await injector.readLog()}`, { cause: error });
    });
    cluster.api.close();
    return { ...controlPlane, injector, stop };
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

/** Waits until a pod in an enabled namespace is admitted, with a proxy in it. */
export async function untilInjecting(cluster: TestCluster, limitMs = 30_000): Promise<void> {
  const namespace = await cluster.createNamespace(injected);
  await until(
    'pods are injected',
    async () => {
      const { status, body } = await cluster.createPod(namespace, makePod('probe'), 'dryRun=All');
      return (status === 201 && body.spec.initContainers !== undefined) || undefined;
    },
    limitMs,
  );
}
