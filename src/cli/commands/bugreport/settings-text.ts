import { parseAllDocuments, stringify } from 'yaml';
import { isObject } from '../../../json/json.ts';
import { redactObject } from './redaction.ts';

/** Settings or templates of a ConfigMap without values of variables and the like; a text that cannot be read is left out. */
export function redactManifest(text: string): string {
  try {
    const documents = parseAllDocuments(text, { version: '1.1' });
    if (!Array.isArray(documents)) return '';
    return documents
      .map((document) => {
        const value: unknown = document.toJS();
        return isObject(value) ? stringify(redactObject(value, false)) : '# not an object\n';
      })
      .join('---\n');
  } catch {
    return '# could not be read\n';
  }
}
