import type { JsonObject } from '../../../index.ts';
import { quote } from '../../../grammar/problem.ts';
import { didYouMean } from '../../../grammar/suggestion.ts';
import { member, objectMember, stringMember } from '../../../json/json.ts';
import { pathSegment, type ApiClient } from '../../../kubernetes/client.ts';
import { readConfigMap } from '../../../kubernetes/objects.ts';
import { readManifests } from '../../../manifests/manifest.ts';
import { rewriteManifest } from '../../../manifests/rewrite.ts';
import type { ConfigMapKey } from '../../live/deployed-files.ts';
import { exitCodes, print, remark, report, usageFailure, type Failure, type Io } from '../../io.ts';
import { inCluster } from './cluster.ts';
import type { SetOptions } from './options.ts';

/** A ConfigMap with the settings, and the settings' key. */
interface Place {
  readonly name: string;
  readonly path: string;
  readonly object: JsonObject;
  readonly key: string;
}

/** Reads the ConfigMap that the injector has its settings from. */
async function readPlace(client: ApiClient, { configMap, key }: ConfigMapKey): Promise<Place | undefined> {
  const [namespace = '', name = ''] = configMap.split('/');
  const object = await readConfigMap(client, namespace, name);
  const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/configmaps/${pathSegment('configmap', name)}`;
  return object === undefined ? undefined : { name: configMap, path, object, key };
}

/** The text of the settings with another share; nothing else of it changes. */
function withShare(text: string, index: number, percent: number): string {
  return [...readManifests({ name: 'settings', text })]
    .map((manifest) => {
      if (!('content' in manifest) || manifest.content.format === 'empty')
        return 'text' in manifest ? manifest.text : '';
      return rewriteManifest(manifest, [{ op: 'add', path: `/spec/variants/${index}/percent`, value: percent }]).text;
    })
    .join('');
}

/** Labels and annotations by which Argo CD and Flux mark what they keep as it is in Git. */
const keepers = [
  'argocd.argoproj.io/instance',
  'argocd.argoproj.io/tracking-id',
  'kustomize.toolkit.fluxcd.io/name',
  'helm.toolkit.fluxcd.io/name',
];

function isKeptInGit(object: JsonObject): boolean {
  const metadata = objectMember(object, 'metadata');
  return ['labels', 'annotations'].some((map) =>
    keepers.some((key) => member(objectMember(metadata, map), key) !== undefined),
  );
}

function failed(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.failed };
}

/** Runs `rollout set` and returns its exit code. */
export async function runSet(variant: string, text: string, options: SetOptions, io: Io): Promise<number> {
  const percent = /^\d{1,3}(?:\.\d{1,2})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(percent <= 100)) {
    const remedy = 'write a number from 0 to 100, with two decimals at most';
    return report(usageFailure(`${quote(text)} is not a percentage`, remedy), io);
  }
  return inCluster(options, io, async (client, cluster, injector) => {
    const settings = await cluster.settings();
    const { variants } = injector.snapshot.settings;
    const index = variants.findIndex(({ name }) => name === variant);
    if (index === -1) {
      const names = variants.map(({ name }) => name);
      const known = didYouMean(variant, names) || `; the settings have ${names.join(', ') || 'none'}`;
      return failed(
        `there is no variant ${quote(variant)}${known}`,
        'variants are defined in spec.variants of the settings',
      );
    }
    const at = 'snapshot' in settings ? settings.settingsKey : undefined;
    const place = at === undefined ? undefined : await readPlace(client, at);
    if (place === undefined) {
      return failed('no ConfigMap of the injector has its settings', 'change spec.variants where the settings are');
    }
    const { object, key, name, path } = place;
    const data = objectMember(object, 'data') ?? {};
    const before = variants[index]?.percent ?? 0;
    const what = `variant ${variant}: ${before} % -> ${percent} %, in ConfigMap ${name}, key ${key}`;
    if (options.dryRun === true) {
      print([`would change ${what}`], io);
      return exitCodes.fine;
    }
    if (isKeptInGit(object)) {
      remark([`warning: ConfigMap ${name} is kept by GitOps, which will undo this; make the same change in Git`], io);
    }
    const next = { ...data, [key]: withShare(stringMember(data, key) ?? '', index, percent) };
    // With the version that was read: a change by somebody else meanwhile is a conflict.
    await client.put(path, { ...object, data: next });
    print([`changed ${what}`, 'replicas read it within two minutes; pods that run keep what they have'], io);
    return exitCodes.fine;
  });
}
