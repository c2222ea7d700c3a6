import { spawnSync } from 'node:child_process';

/** The programs of test/istio/program that translate as istiod does, each by the variable that has its path. */
type TranslatorVariable = 'ISTIO_AUTHORIZATION_BIN' | 'ISTIO_ROUTES_BIN';

/** Returns what the program makes of each value, in order. Throws with what it says when it fails. */
export function translateAll(variable: TranslatorVariable, values: readonly unknown[]): readonly unknown[] {
  const program = process.env[variable];
  if (program === undefined) throw new Error(`${variable} is not set: run \`make test-istio\``);
  const input = values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 31 - 1 });
  if (status !== 0) throw new Error(stderr);
  return (
    stdout
      .split('\n')
      // Istio's own log goes there as well.
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as unknown)
  );
}
