import { registrationEntries } from '../../../src/injection/policy/registration.ts';
import type { KeyedCertificate } from '../../../src/certs/authority.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { system } from '../cluster/system-namespace.ts';
import { until } from '../waiting.ts';

const registration = ['mutatingwebhookconfiguration', 'sidecar-injector'] as const;

/** Values of the Secret that holds the CA. */
type AuthorityData = Readonly<Record<string, string>>;

/** The CA of the injector in the cluster that the tier runs on. */
export const authoritySecret = {
  async read(): Promise<AuthorityData> {
    const text = await system.kubectl('get', 'secret', 'sidecar-injector-ca', '-o=json');
    const { data = {} } = JSON.parse(text) as { data?: Record<string, string> };
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    );
  },

  /** Puts another CA into its place, as the page on certificates says. */
  async replace({ certificate, privateKey }: KeyedCertificate): Promise<void> {
    await system.kubectl('scale', 'deployment', 'sidecar-injector', '--replicas=0');
    await system.kubectl('wait', '--for=delete', 'pod', '--selector=app=sidecar-injector', '--timeout=60s');
    await patch('secret', 'sidecar-injector-ca', [{ op: 'remove', path: '/data' }]);
    await authoritySecret.write({ 'ca.crt': certificate, 'ca.key': privateKey });
    const bundles = registrationEntries.map((_entry, index) => `/webhooks/${index}/clientConfig/caBundle`);
    const removals = bundles.map((path) => ({ op: 'remove', path }));
    await patch(...registration, removals);
    await system.kubectl('scale', 'deployment', 'sidecar-injector', '--replicas=2');
    await system.untilSettled();
  },

  async untilPhase(phase: string): Promise<void> {
    await until(`phase ${phase}`, async () => (await authoritySecret.read())['phase'] === phase || undefined, 120_000);
  },

  /** Makes the rotation's phase older than it is. */
  async datePhaseBack(byMs: number): Promise<void> {
    await authoritySecret.write({ 'phase-since': new Date(Date.now() - byMs).toISOString() });
  },

  /** The CAs that each entry of the registration trusts, PEM. */
  async readTrusted(): Promise<readonly string[]> {
    const bundles = '-o=jsonpath={.webhooks[*].clientConfig.caBundle}';
    const texts = (await system.kubectl('get', ...registration, bundles)).split(' ');
    return texts.map((text) => Buffer.from(text, 'base64').toString('utf8'));
  },

  /** Their numbers. */
  async countTrusted(): Promise<readonly number[]> {
    return (await authoritySecret.readTrusted()).map((bundle) => bundle.split('-----BEGIN').length - 1);
  },

  /** Writes values over those that are there; others stay. */
  async write(values: AuthorityData): Promise<void> {
    const data = JSON.stringify({ stringData: values });
    await system.kubectl('patch', 'secret', 'sidecar-injector-ca', '--type=merge', `--patch=${data}`);
  },

  /** Waits until every replica serves a certificate that lives for days, which only a CA that does can have signed. */
  async untilServingLongLived(): Promise<void> {
    const expiry = /^sidecar_injector_serving_certificate_expiry_timestamp_seconds (\S+)$/m;
    await until(
      'every replica has a new certificate',
      async () => {
        const ends = (await system.readMetrics()).map((text) => Number(expiry.exec(text)?.[1]) * 1000);
        return ends.every((end) => end > Date.now() + dayMs) || undefined;
      },
      60_000,
    );
  },
};

async function patch(kind: string, name: string, operations: readonly object[]): Promise<void> {
  await system.kubectl('patch', kind, name, '--type=json', `--patch=${JSON.stringify(operations)}`);
}
