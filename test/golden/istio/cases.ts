import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** One row of the data: an input, what Istio made of it, and the settings it had. */
export interface Case {
  readonly id: number;
  readonly name: string;
  readonly tier: string;
  readonly input: string;
  readonly expected: string | null;
  readonly expectedError: string | null;
  readonly setFlags: readonly string[];
  readonly valuesFile: string | null;
  readonly meshConfig: Readonly<Record<string, unknown>>;
  readonly nativeSidecars: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly recordsDefect: string | null;
}

const folder = resolve(import.meta.dirname, '../../..', process.env['ISTIO_GOLDENS'] ?? '../shared/istio-goldens');

/** Undefined where the data is not there. */
export function readCases(): { readonly folder: string; readonly cases: readonly Case[] | undefined } {
  const file = resolve(folder, 'cases.json');
  if (!existsSync(file)) return { folder, cases: undefined };
  return { folder, cases: (JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] }).cases };
}

const openShift = [
  'openshift.io/sa.scc.uid-range=1000620000/10000',
  'openshift.io/sa.scc.supplemental-groups=1000620000/10000',
];

/** The command line that gives the case its settings. */
export function argumentsOf(one: Case): string[] {
  const at = (path: string): string => resolve(folder, path);
  const mesh = Object.entries(one.meshConfig).map(
    ([path, value]) =>
      `meshConfig.${path.replace(/\+$/, '')}=${typeof value === 'string' ? value : JSON.stringify(path.endsWith('+') ? [value].flat() : value)}`,
  );
  const features = Object.entries(one.env).map(([name, value]) =>
    name === 'platform' ? `values.global.platform=${value}` : `values.pilot.env.${name}=${value}`,
  );
  return [
    'inject',
    '-f',
    at(one.input),
    '--istio-values',
    at('defaults/values.json'),
    '--istio-mesh-config',
    at('defaults/mesh.yaml'),
    ...(one.valuesFile === null ? [] : ['--istio-values', at(one.valuesFile)]),
    ...[...one.setFlags, ...mesh, ...features].flatMap((setting) => ['--istio-set', setting]),
    '--native-sidecars',
    String(one.nativeSidecars),
    ...openShift.flatMap((annotation) => ['--namespace-annotations', annotation]),
  ];
}
