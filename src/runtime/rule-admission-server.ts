import { createBundlePublisher } from '../kubernetes/bundle-publisher.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import type { Domains } from '../mesh/plan/service-plan.ts';
import type { World } from '../mesh/world/world.ts';
import { createServer } from '../server/server.ts';
import type { HealthCheck } from '../server/health.ts';
import type { KeyPair } from '../server/tls.ts';
import type { Log } from '../telemetry/log.ts';
import type { MeshMetrics } from '../telemetry/mesh-metrics.ts';
import type { Address } from './address.ts';
import { rulesPage } from './rule-admission.ts';
import { closeWebhook, listen } from './start.ts';

/** The server that is asked before traffic rules are stored. */
export interface RuleAdmission {
  /** Uses another certificate for new connections. */
  useKeyPair(pair: KeyPair): void;
  /** Writes the root, by which the API server knows the certificate, into the registration. Whatever fails is logged and tried again. */
  publish(): Promise<void>;
  stop(): Promise<void>;
}

/** Name of the registration in the shipped manifests. */
const registration = 'sidecar-injector-mesh';

const republishMs = 30_000;

/** Starts the server. Throws a `StartError` if it cannot listen. */
export async function startRuleAdmission(options: {
  readonly address: Address;
  readonly keyPair: KeyPair;
  /** Root of the certificate, PEM. */
  readonly root: string;
  readonly client: ApiClient;
  readonly world: () => World;
  readonly domains: Domains;
  readonly checks: () => readonly HealthCheck[];
  readonly log: Log;
  readonly metrics: MeshMetrics;
  readonly every: (milliseconds: number, action: () => void) => () => void;
}): Promise<RuleAdmission> {
  const { log, metrics, root } = options;
  const server = createServer({
    keyPair: options.keyPair,
    page: rulesPage({
      world: options.world,
      domains: options.domains,
      log,
      judged: (outcome) => metrics.judgements.inc({ outcome }),
    }),
    checks: options.checks,
    log,
    metrics,
    nowMs: () => performance.now(),
  });
  const publisher = createBundlePublisher(options.client, {
    name: registration,
    kind: 'ValidatingWebhookConfiguration',
  });
  let last = '';

  async function publish(): Promise<void> {
    let outcome: string;
    try {
      outcome = await publisher.publish(root);
    } catch (error) {
      outcome = error instanceof Error ? error.message : String(error);
    }
    if (outcome === last) return;
    last = outcome;
    if (outcome === 'written') log.info('the API server can ask about traffic rules');
    else
      log.warn(
        { detail: outcome, registration },
        'the API server cannot ask about traffic rules: they are stored unjudged',
      );
  }

  await server.app.ready();
  await listen(server.app.server, '--rules-listen', options.address, log);
  const stopPublishing = options.every(republishMs, () => void publish());
  return {
    useKeyPair: (pair) => server.useKeyPair(pair),
    publish,
    stop() {
      stopPublishing();
      return closeWebhook(server);
    },
  };
}
