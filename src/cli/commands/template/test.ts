import path from 'node:path';
import { decide, joinPatch, undo, type Decision, type Snapshot } from '../../../index.ts';
import { applyToValue } from '../../../json/apply.ts';
import { canonicalText, objectMember, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import type { TemplateTest } from '../../../settings/schema/template-test.ts';
import { exitCodes, print, report, type Io } from '../../io.ts';
import { differences } from './expectation.ts';

function namesIn(pod: JsonObject, list: string): string[] {
  return objectsMember(objectMember(pod, 'spec'), list).map((container) => stringMember(container, 'name') ?? '');
}

/** Checks what holds for every injection: injecting again changes nothing, and undoing restores the pod. */
function lawDifferences(before: JsonObject, after: JsonObject, namespace: string, snapshot: Snapshot): string[] {
  const again = decide({ pod: after, namespace }, snapshot);
  const found = again.operations.length === 0 ? [] : [`a second injection changes it again: ${joinPatch(again.patch)}`];
  const back = undo(after)?.pod ?? after;
  return canonicalText(back) === canonicalText(before) ? found : [...found, 'undoing it does not give the pod back'];
}

function decisionDifferences(
  { outcome, reasons, warnings }: Decision,
  expected: TemplateTest['spec']['expect'],
): string[] {
  const codes = reasons.map(({ code }) => code).toSorted();
  const wanted = expected.reasons?.toSorted();
  const said = [...reasons.map(({ message }) => message), ...warnings];
  return [
    ...(outcome === expected.outcome
      ? []
      : [
          `outcome: expected ${expected.outcome}, found ${outcome} (${reasons.map(({ message }) => message).join('; ')})`,
        ]),
    ...(wanted === undefined || wanted.join() === codes.join()
      ? []
      : [`reasons: expected ${wanted.join(', ')}, found ${codes.join(', ')}`]),
    ...(expected.messages ?? [])
      .filter((text) => !said.some((sentence) => sentence.includes(text)))
      .map((text) => `messages: nothing says ${JSON.stringify(text)}; said was: ${said.join(' | ')}`),
  ];
}

/** All differences between the result of one test and its expectation. */
function runCase({ spec }: TemplateTest, snapshot: Snapshot): string[] {
  const { namespace, expect: expected } = spec;
  const pod = spec.pod as JsonObject;
  const decision = decide({ pod, namespace }, snapshot);
  const found = decisionDifferences(decision, expected);
  if (decision.outcome !== 'inject' || expected.outcome !== 'inject') return found;
  const after = applyToValue(pod, decision.operations) as JsonObject;
  for (const list of ['initContainers', 'containers'] as const) {
    const wanted = expected[list];
    const names = namesIn(after, list);
    if (wanted !== undefined && wanted.join() !== names.join()) {
      found.push(`${list}: expected ${wanted.join(', ')}, found ${names.join(', ')}`);
    }
  }
  if (expected.pod !== undefined) found.push(...differences(expected.pod as JsonObject, after, ''));
  return [...found, ...lawDifferences(pod, after, namespace, snapshot)];
}

/** `template test`: runs the tests in the folder's `tests/` against the templates in the folder. */
export async function runTemplateTest(folder: string, io: Io): Promise<number> {
  const { describeFileProblem, loadConfiguration, loadTemplateTests } =
    await import('../../../runtime/configuration.ts');
  const cases = path.join(folder, 'tests');
  const loaded = await loadTemplateTests(cases);
  const remedy = 'correct the files and run the command again';
  if ('problems' in loaded) {
    return report({ problems: loaded.problems.map(describeFileProblem), remedy, code: exitCodes.failed }, io);
  }
  if (loaded.tests.length === 0) {
    return report(
      { problems: [`${cases}: no TemplateTest is there`], remedy: 'write one', code: exitCodes.failed },
      io,
    );
  }
  let failed = 0;
  for (const test of loaded.tests) {
    const { settings, nativeSidecars } = test.spec;
    const configuration = { apiVersion: test.apiVersion, kind: 'InjectorConfiguration', spec: settings };
    const snapshot = await loadConfiguration({ sidecars: [folder] }, { nativeSidecars }, () => configuration);
    const found =
      'problems' in snapshot ? snapshot.problems.map(describeFileProblem) : runCase(test, snapshot.snapshot);
    if (found.length > 0) failed += 1;
    const verdict = found.length === 0 ? 'ok' : 'FAILED';
    print([`${verdict}  ${test.metadata.name}`, ...found.map((line) => `        ${line}`)], io);
  }
  print([`${loaded.tests.length - failed} passed, ${failed} failed`], io);
  return failed === 0 ? exitCodes.fine : exitCodes.failed;
}
