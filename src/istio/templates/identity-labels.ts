import { annotationNames as names } from '../../pod/annotation-names.ts';
import { annotationOf, applicationNames, labelOf, type TemplateData } from './template-data.ts';

/** Maximum length of a label value (k8s.io/apimachinery util/validation). */
const longestLabel = 63;

/** Truncates the text to the length of a label value and trims it to a letter or digit at both ends. */
function asLabel(text: string): string {
  return text.slice(0, longestLabel).replaceAll(/^[-_.]+|[-_.]+$/g, '');
}

/** Returns the labels by which telemetry knows the workload's name and version. */
export function canonicalLabels(data: TemplateData): Record<string, string> {
  const name =
    labelOf(data, names.canonicalName) ??
    labelOf(data, names.applicationName) ??
    labelOf(data, 'app') ??
    data.workload.name;
  const revision =
    labelOf(data, names.canonicalRevision) ??
    labelOf(data, names.applicationVersion) ??
    labelOf(data, 'version') ??
    'latest';
  return { [names.canonicalName]: asLabel(name), [names.canonicalRevision]: revision };
}

/** Returns the annotations of kubectl's default containers, unless the pod sets its own. */
export function defaultContainers(data: TemplateData): Record<string, string> {
  const [first] = applicationNames(data);
  if (first === undefined) return {};
  return Object.fromEntries(
    [names.defaultLogsContainer, names.defaultContainer]
      .filter((name) => annotationOf(data, name) === undefined)
      .map((name) => [name, first]),
  );
}
