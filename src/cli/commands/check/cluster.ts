import { describeFileProblem, loadConfiguration } from '../../../runtime/configuration.ts';
import { createInjector, createSnapshot, type Injector, type Snapshot } from '../../../index.ts';
import { readFacts, type PodNamespace } from '../../../injection/namespace-facts.ts';
import { systemNamespaces } from '../../../injection/policy/policy.ts';
import { selectEntry, type EntrySelectors } from '../../../injection/policy/registration.ts';
import { objectMember, stringMember, type JsonObject } from '../../../json/json.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { listAll } from '../../../kubernetes/list.ts';
import { readWebhookConfiguration } from '../../../kubernetes/objects.ts';
import { featuresOf, readServerVersion } from '../../../kubernetes/server-version.ts';
import {
  argumentsOf,
  copyDeployedFiles,
  findDeployed,
  type ConfigMapKey,
  type Deployed,
} from '../../live/deployed-files.ts';
import { readEntries } from '../../../audit/reading.ts';
import { readReplicas, type Replica } from '../../live/replicas.ts';
import { probePod } from './probe-pod.ts';
import { surveyPods, type Survey } from './survey.ts';

/** The settings that the cluster's injector reads, or what is wrong with them. */
export type LiveSettings =
  | { readonly snapshot: Snapshot; readonly from: readonly string[]; readonly settingsKey: ConfigMapKey | undefined }
  | { readonly problems: readonly string[]; readonly isKnown: boolean };

/** A cluster as the checks see it. Everything is read once, when the first check asks for it. */
export interface Cluster {
  readonly client: ApiClient;
  readonly now: Date;
  /** Says on standard error how far long work has come. */
  readonly tell: (text: string) => void;
  readonly version: () => Promise<string>;
  readonly registration: () => Promise<JsonObject | undefined>;
  /** Entries of the registration; none if it is not there. */
  readonly entries: () => Promise<readonly EntrySelectors[]>;
  /** The Deployment that serves, or why it cannot be found. */
  readonly deployed: () => Promise<Deployed | string>;
  /** Whether the injector manages its certificates itself. */
  readonly isSelfManaged: () => Promise<boolean>;
  readonly replicas: () => Promise<readonly Replica[]>;
  readonly settings: () => Promise<LiveSettings>;
  /** An injector with the live settings, or with the built-in ones if those are not known; of the version that serves. */
  readonly injector: () => Promise<Injector>;
  readonly namespaces: () => Promise<readonly PodNamespace[]>;
  /** Namespaces in which a pod that says nothing is injected. */
  readonly selected: () => Promise<readonly PodNamespace[]>;
  readonly survey: () => Promise<Survey>;
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => (reading ??= read());
}

/** Creates the view of a cluster. Nothing is asked yet. */
export function viewCluster(client: ApiClient, now: Date, tell: (text: string) => void): Cluster {
  const serverVersion = once(() => readServerVersion(client));
  const registration = once(() => readWebhookConfiguration(client));
  const entries = once(async () => {
    const found = await registration();
    return found === undefined ? [] : readEntries(found);
  });
  const deployed = once(async () => {
    const found = await registration();
    return found === undefined ? 'there is no registration' : findDeployed(client, found);
  });
  const replicas = once(async () => {
    const found = await deployed();
    return typeof found === 'string' ? [] : readReplicas(client, found);
  });
  const settings = once(async (): Promise<LiveSettings> => {
    const found = await registration();
    const files = found === undefined ? 'there is no registration' : await copyDeployedFiles(client, found);
    if (typeof files === 'string') return { problems: [files], isKnown: false };
    try {
      const meshRoots = files.meshRoots === undefined ? undefined : { file: files.meshRoots, mayBeMissing: true };
      const loaded = await loadConfiguration(
        { settings: files.settings, sidecars: files.sidecars, meshRoots },
        featuresOf(await serverVersion()),
      );
      const from = [...files.origins.values()].flat();
      if ('snapshot' in loaded) return { snapshot: loaded.snapshot, from, settingsKey: files.settingsKey };
      return { problems: loaded.problems.map((one) => describeFileProblem(files.named(one))), isKnown: true };
    } finally {
      await files.remove();
    }
  });
  const injector = once(async () => {
    const found = await settings();
    const builtIn = createSnapshot();
    if ('problems' in builtIn) throw new Error('the built-in settings are not valid');
    const snapshot = 'snapshot' in found ? found.snapshot : builtIn.snapshot;
    const versions = (await replicas()).flatMap((one) => ('version' in one ? [one.version] : []));
    return createInjector({ ...snapshot, version: versions[0] ?? snapshot.version });
  });
  const namespaces = once(async () =>
    (await listAll(client, '/api/v1/namespaces')).map((one) => ({
      name: stringMember(objectMember(one, 'metadata'), 'name') ?? '',
      ...readFacts(one),
    })),
  );
  return {
    client,
    now,
    tell,
    version: async () => {
      const { major, minor } = await serverVersion();
      return `${major ?? '?'}.${minor ?? '?'}`;
    },
    registration,
    entries,
    deployed,
    isSelfManaged: async () => {
      const found = await deployed();
      return typeof found !== 'string' && argumentsOf(found.container).includes('--self-managed-certs');
    },
    replicas,
    settings,
    injector,
    namespaces,
    survey: once(async () =>
      surveyPods(
        { entries: await entries(), injector: await injector(), namespaces: await namespaces() },
        client,
        tell,
      ),
    ),
    selected: once(async () => {
      const all = await entries();
      return (await namespaces()).filter(
        ({ name, labels }) => selectEntry(labels, probePod(), all).called && !systemNamespaces.includes(name),
      );
    }),
  };
}
