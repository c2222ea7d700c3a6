import { containerLists } from '../pod/containers.ts';
import { isObject, member, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { allBounds, boundsOf, parameterGrammar } from '../settings/parameter.ts';
import { quote, type Problem } from '../grammar/problem.ts';
import { parseQuantity } from '../grammar/quantity.ts';
import type { Parameter, TemplateSpec } from '../settings/schema/template.ts';
import { didYouMean } from '../grammar/suggestion.ts';
import { fieldAt } from '../json/field.ts';
import { pointerTokens } from '../json/pointer.ts';
import { fieldKindOf } from './template-field.ts';

/** Prefixes of annotations that belong to this product, Istio or Kubernetes. */
const reservedPrefix = /^(?:(?:[a-z.]+\.)?istio\.io|sidecar-injector\.io|(?:.+\.)?(?:kubernetes|k8s)\.io)\//;

function numberProblem(parameter: Parameter, key: 'minimum' | 'maximum'): string | undefined {
  const value = parameter[key];
  if (value === undefined) return undefined;
  const amount = parseQuantity(String(value));
  if (parameter.type === 'quantity') return amount === undefined ? 'allowed: a Kubernetes quantity' : undefined;
  return Number.isInteger(Number(value)) && Number(value) >= 0 ? undefined : 'allowed: an integer from 0';
}

function boundProblems(parameter: Parameter): Problem[] {
  const fitting = boundsOf[parameter.type];
  const problems: Problem[] = allBounds
    .filter((key) => parameter[key] !== undefined && !fitting.includes(key))
    .map((key) => ({
      where: key,
      message: `bounds no ${parameter.type}; allowed: ${fitting.length === 0 ? 'no bounds' : fitting.join(', ')}`,
    }));
  if (parameter.type === 'image' && parameter.allowed === undefined) {
    problems.push({ where: 'allowed', message: 'is missing: the images that a pod may name' });
  }
  for (const key of ['minimum', 'maximum'] as const) {
    const message = fitting.includes(key) ? numberProblem(parameter, key) : undefined;
    if (message !== undefined) problems.push({ where: key, message });
  }
  return problems;
}

function patternProblem({ pattern }: Parameter): Problem | undefined {
  if (pattern === undefined) return undefined;
  try {
    // The parameter's grammar compiles the same expression.
    void new RegExp(`^(?:${pattern})$`, 'u');
    return undefined;
  } catch {
    return { where: 'pattern', message: `${quote(pattern)} is no regular expression` };
  }
}

function fieldProblems(parameter: Parameter, spec: TemplateSpec): Problem[] {
  const { field, type } = parameter;
  const kind = fieldKindOf(field);
  if (kind === undefined) {
    const message = `${quote(field)} is no field that a pod may set (docs/sidecars.md lists them)`;
    return [{ where: 'field', message }];
  }
  const problems: Problem[] = [];
  if (!kind.types.includes(type)) {
    problems.push({ where: 'type', message: `does not fit ${field}; allowed: ${kind.types.join(', ')}` });
  }
  const present = fieldAt(spec as unknown as JsonObject, field);
  const parent = fieldAt(spec as unknown as JsonObject, field.slice(0, field.lastIndexOf('/')));
  const isInPlace = Array.isArray(parent)
    ? present !== undefined
    : isObject(parent) || /^\/(?:labels|annotations)\//.test(field);
  if (!isInPlace) {
    problems.push({ where: 'field', message: `${quote(field)} leads nowhere: the template has nothing there` });
  } else if (present === undefined && parameter.default === undefined && parameter.required !== true) {
    const message = `the template has no ${pointerTokens(field).at(-1)} there; give a default or \`required: true\``;
    problems.push({ where: 'default', message });
  }
  return problems;
}

function parameterProblems(parameter: Parameter, spec: TemplateSpec): Problem[] {
  const problems = [...boundProblems(parameter), ...fieldProblems(parameter, spec)];
  if (reservedPrefix.test(parameter.annotation)) {
    const message = `${quote(parameter.annotation)} has a reserved prefix; allowed: one of your own, such as NAME.sidecar-injector.io/`;
    problems.push({ where: 'annotation', message });
  }
  if (parameter.required === true && parameter.default !== undefined) {
    problems.push({ where: 'default', message: 'is never used by a required parameter' });
  }
  const pattern = patternProblem(parameter);
  if (pattern !== undefined) return [...problems, pattern];
  if (parameter.default !== undefined && problems.length === 0) {
    const parsed = parameterGrammar(parameter).parse(parameter.default);
    if ('problem' in parsed) problems.push({ where: 'default', message: parsed.problem });
  }
  return problems;
}

function twice(names: readonly string[], where: (index: number) => string): Problem[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [{ where: where(index), message: `${quote(name)} is there twice` }],
  );
}

function containersOf(spec: TemplateSpec): { readonly where: string; readonly container: JsonObject }[] {
  return containerLists.flatMap((list) =>
    (spec[list] ?? []).map((container, index) => ({
      where: `spec.${list}[${index}]`,
      container: container as unknown as JsonObject,
    })),
  );
}

function isNative(container: JsonObject): boolean {
  return stringMember(container, 'restartPolicy') === 'Always';
}

/**
 * Checks the template's `failure` policy: with `podGoesOn` nothing may hold the pod back, with `podWaits` the probes
 * that make the pod wait must exist.
 */
function failureProblems(spec: TemplateSpec): Problem[] {
  if (spec.failure === undefined) return [];
  return containersOf(spec).flatMap(({ where, container }): Problem[] => {
    const runsOn = where.startsWith('spec.containers') || isNative(container);
    if (spec.failure === 'podGoesOn') {
      if (!runsOn) return [{ where, message: 'an init container holds the pod back when it fails, against podGoesOn' }];
      return ['startupProbe', 'readinessProbe']
        .filter((probe) => isObject(member(container, probe)))
        .map((probe) => ({ where: `${where}.${probe}`, message: 'holds the pod back, against podGoesOn' }));
    }
    if (!runsOn) return [];
    const needed =
      spec.mode === 'native' || isNative(container) ? ['startupProbe', 'readinessProbe'] : ['readinessProbe'];
    return needed
      .filter((probe) => !isObject(member(container, probe)))
      .map((probe) => ({ where: `${where}.${probe}`, message: 'is missing: with podWaits the pod waits for it' }));
  });
}

/** Returns a problem unless the template has the named container or volume. */
function unknown(where: string, name: string, kind: 'container' | 'volume', known: readonly string[]): Problem[] {
  if (known.includes(name)) return [];
  return [{ where, message: `${quote(name)} is not a ${kind} of the template${didYouMean(name, known)}` }];
}

function shareProblems(spec: TemplateSpec, names: readonly string[]): Problem[] {
  return (spec.share ?? []).flatMap((share, index) =>
    share.with.flatMap(({ container }, place) =>
      unknown(`spec.share[${index}].with[${place}].container`, container, 'container', names),
    ),
  );
}

/** Returns mounts whose volume neither the template nor a share defines, and mount paths that are used twice. */
function mountProblems(spec: TemplateSpec): Problem[] {
  const shared = (spec.share ?? []).flatMap(({ volume }) => (volume === undefined ? [] : [volume.name]));
  const volumes = [...(spec.volumes ?? []).map(({ name }) => name), ...shared];
  const check = (where: string, mounts: readonly JsonObject[]): Problem[] =>
    mounts.flatMap((mount, index) =>
      unknown(`${where}.volumeMounts[${index}].name`, stringMember(mount, 'name') ?? '', 'volume', volumes),
    );
  return [
    ...containersOf(spec).flatMap(({ where, container }) => {
      const mounts = objectsMember(container, 'volumeMounts');
      const sharedPaths = (spec.share ?? []).flatMap(({ path, with: seen }) =>
        seen.filter((one) => one.container === stringMember(container, 'name')).map((one) => one.mountPath ?? path),
      );
      const paths = [...mounts.map((mount) => stringMember(mount, 'mountPath') ?? ''), ...sharedPaths];
      return [...check(where, mounts), ...twice(paths, () => `${where}.volumeMounts`)];
    }),
    ...(spec.application ?? []).flatMap((change, index) =>
      check(`spec.application[${index}]`, (change.volumeMounts ?? []) as unknown as readonly JsonObject[]),
    ),
  ];
}

/** Checks a template beyond its shape, after its base has been merged in. `where` of a problem starts with `spec`. */
export function templateProblems(spec: TemplateSpec): Problem[] {
  const containers = containersOf(spec);
  const names = containers.map(({ container }) => stringMember(container, 'name') ?? '');
  const problems: Problem[] = twice(names, (index) => `${containers[index]?.where ?? ''}.name`);
  for (const { where, container } of containers) {
    if (!stringMember(container, 'image')) problems.push({ where: `${where}.image`, message: 'is missing' });
  }
  problems.push(
    ...twice(
      (spec.volumes ?? []).map(({ name }) => name),
      (index) => `spec.volumes[${index}].name`,
    ),
    ...twice(
      (spec.parameters ?? []).map(({ annotation }) => annotation),
      (index) => `spec.parameters[${index}].annotation`,
    ),
    ...(spec.parameters ?? []).flatMap((parameter, index) =>
      parameterProblems(parameter, spec).map(({ where, message }) => ({
        where: `spec.parameters[${index}].${where}`,
        message,
      })),
    ),
    ...shareProblems(spec, names),
    ...mountProblems(spec),
    ...failureProblems(spec),
  );
  return problems;
}
