import type { PodSecurityViolation } from '../../../pod/security.ts';
import { podSecurityLevel } from '../../../pod/security.ts';
import { lintTemplate, type Lint } from '../../../sidecars/template-lint.ts';
import { builtInSidecar, nameOf } from '../../../sidecars/template-library.ts';
import { exitCodes, print, report, type Io } from '../../io.ts';
import { plural } from '../../plural.ts';

export interface LintOptions {
  readonly strict?: boolean;
}

function cores(value: number | undefined): string {
  return value === undefined ? 'no limit' : `${Math.round(value * 1000)}m`;
}

function bytes(value: number | undefined): string {
  return value === undefined ? 'no limit' : `${Math.round(value / 2 ** 20)}Mi`;
}

/** The violations that rule out the next stricter level. */
function because(violations: readonly PodSecurityViolation[]): string {
  const level = podSecurityLevel(violations);
  const against = violations.filter((violation) => level !== 'privileged' || violation.level === 'baseline');
  return against.length === 0 ? '' : `, because of ${against.map(({ where, what }) => `${where}: ${what}`).join('; ')}`;
}

function lines(name: string, { violations, resources, hints }: Lint): string[] {
  const { requests, limits } = resources;
  return [
    name,
    `  Pod Security level ${podSecurityLevel(violations)}${because(violations)}`,
    `  cpu ${cores(requests.cpu)} (limit ${cores(limits.cpu)}), memory ${bytes(requests.memory)} (limit ${bytes(limits.memory)})`,
    ...hints.map((hint) => `  hint: ${hint}`),
  ];
}

/** `template lint`: reports what the injected pods need, and hints for the author. */
export async function runTemplateLint(folder: string, options: LintOptions, io: Io): Promise<number> {
  const { describeFileProblem, loadConfiguration } = await import('../../../runtime/configuration.ts');
  const loaded = await loadConfiguration({ sidecars: [folder] });
  if ('problems' in loaded) {
    const remedy = 'correct the files and run the command again';
    return report({ problems: loaded.problems.map(describeFileProblem), remedy, code: exitCodes.failed }, io);
  }
  const { templates } = loaded.snapshot;
  const known = [builtInSidecar, ...[...templates.keys()].map(nameOf)];
  let hints = 0;
  for (const [name, template] of templates) {
    const lint = lintTemplate(template, known);
    hints += lint.hints.length;
    print(lines(name, lint), io);
  }
  const sum = `${plural(templates.size, 'sidecar')}, ${plural(hints, 'hint')}`;
  print([`${sum}; with the proxy, capture needs Pod Security level privileged`], io);
  return options.strict === true && hints > 0 ? exitCodes.failed : exitCodes.fine;
}
