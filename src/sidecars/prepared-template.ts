import { member, type JsonObject } from '../json/json.ts';
import type { Grammar } from '../grammar/grammar.ts';
import { parameterGrammar } from '../settings/parameter.ts';
import { notText, type Problem } from '../grammar/problem.ts';
import type { Parameter, TemplateSpec } from '../settings/schema/template.ts';
import { declaredFragment } from './declared.ts';
import type { Fragment, PlacedContainer } from './fragment.ts';
import { podSecurityViolations } from '../pod/security.ts';
import { withField } from '../json/field.ts';
import { fieldKindOf, fieldValue } from './template-field.ts';

/** A template, checked and prepared once, so that little work is left for each pod. */
export interface PreparedTemplate {
  /** `name` or `name:version`. */
  readonly reference: string;
  /** The spec with its bases merged in and with the defaults of its parameters. */
  readonly spec: TemplateSpec;
  /** Parts of the template that need a namespace in which privileged sidecars are allowed. */
  readonly privileges: readonly string[];
  readonly parameters: readonly PreparedParameter[];
  /** The fragments for a pod that sets no parameter. */
  readonly native: Fragment;
  readonly classic: Fragment;
}

interface PreparedParameter {
  readonly annotation: string;
  readonly parameter: Parameter;
  readonly grammar: Grammar<string>;
}

function withParameter(spec: TemplateSpec, { field }: Parameter, text: string): TemplateSpec {
  const kind = fieldKindOf(field);
  // The check of the template has found the field.
  if (kind === undefined) throw new Error(`${field} is no field of a template`);
  return withField(spec as unknown as JsonObject, field, fieldValue(kind.notation, text));
}

function withTexts(fragment: Fragment): Fragment {
  const containers = fragment.containers.map((placed): PlacedContainer => ({
    ...placed,
    text: { text: JSON.stringify(placed.container) },
  }));
  return { ...fragment, containers };
}

/** Prepares a template that has no problems. */
export function prepareTemplate(reference: string, spec: TemplateSpec): PreparedTemplate {
  const parameters = (spec.parameters ?? []).map((parameter) => ({
    annotation: parameter.annotation,
    parameter,
    grammar: parameterGrammar(parameter),
  }));
  const withDefaults = parameters.reduce(
    (filled, { parameter }) =>
      parameter.default === undefined ? filled : withParameter(filled, parameter, parameter.default),
    spec,
  );
  const shared = (spec.share ?? []).flatMap(({ volume }) => (volume === undefined ? [] : [volume]));
  const whole = { ...spec, volumes: [...(spec.volumes ?? []), ...shared] } as unknown as JsonObject;
  return {
    reference,
    spec: withDefaults,
    privileges: podSecurityViolations(whole)
      .filter(({ level }) => level === 'baseline')
      .map(({ where, what }) => `${where}: ${what}`),
    parameters,
    native: withTexts(declaredFragment(reference, withDefaults, true)),
    classic: withTexts(declaredFragment(reference, withDefaults, false)),
  };
}

/** Returns the fragment for a pod with these annotations, or all problems of its parameter values. */
export function fragmentFor(
  template: PreparedTemplate,
  annotations: JsonObject | undefined,
  native: boolean,
): { readonly fragment: Fragment; readonly secrets: readonly string[] } | { readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const secrets: string[] = [];
  let { spec } = template;
  for (const { annotation, parameter, grammar } of template.parameters) {
    const value = member(annotations, annotation);
    if (value === undefined) {
      if (parameter.required === true) {
        const message = `is missing: sidecar "${template.reference}" needs it; allowed: ${grammar.allowed}`;
        problems.push({ where: annotation, message });
      }
      continue;
    }
    const parsed = typeof value === 'string' ? grammar.parse(value) : { problem: notText(grammar.allowed) };
    if ('problem' in parsed) {
      problems.push({ where: annotation, message: parsed.problem });
      continue;
    }
    spec = withParameter(spec, parameter, parsed.value);
    if (parameter.type === 'secretName') secrets.push(annotation);
  }
  if (problems.length > 0) return { problems };
  if (spec !== template.spec) return { fragment: declaredFragment(template.reference, spec, native), secrets };
  return { fragment: native ? template.native : template.classic, secrets };
}
