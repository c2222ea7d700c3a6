import { describe, expect, test } from '@jest/globals';
import { editText, listSetKeys } from '../../../src/playground/edit.ts';

const annotation = { of: 'pods', list: 'annotations', name: 'a.io/b', value: 'yes' } as const;
const deployment = `kind: Deployment
apiVersion: apps/v1
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web} # kept
    spec:
      containers: [{name: web, image: nginx}]
`;
const service = 'kind: Service\napiVersion: v1\nmetadata: {name: web}\n';

function edited(text: string, edit: Parameters<typeof editText>[1]): string {
  const result = editText(text, edit);
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result.text;
}

describe('the form changes the text', () => {
  test('of every pod, and keeps all other bytes', () => {
    const text = `${deployment}---\n${service}---\n${deployment}`;
    const after = edited(text, annotation);
    const added = '      annotations:\n        a.io/b: yes\n'.replace('yes', '"yes"');
    expect(after.replaceAll(added, '')).toBe(text);
    expect(after.split(added).length).toBe(3);
    expect(edited(after, { ...annotation, value: 'no' })).not.toContain('yes');
    expect(edited(after, { ...annotation, value: undefined }).replaceAll('      annotations: {}\n', '')).toBe(text);
  });

  test('of a pod without metadata', () => {
    expect(edited('kind: Pod\napiVersion: v1\nspec: {containers: []}\n', annotation)).toContain('a.io/b: "yes"');
  });

  test('not without a pod, and not if it cannot be read', () => {
    expect(editText(service, annotation)).toEqual({
      problems: ['the manifest: has no pod whose annotations or labels could be set; write one first'],
    });
    expect(editText('a: [', annotation)).toHaveProperty('problems');
  });

  test('of the settings, which begin with an object of their own', () => {
    const set = (text: string, path: string, value: string, isText = false): string =>
      edited(text, { of: 'settings', path, value: { text: value, isText } });
    const first = set('', 'proxy.logLevel', 'debug', true);
    expect(listSetKeys('', first)).toEqual([{ kind: 'setting', name: 'proxy.logLevel', value: 'debug' }]);
    const second = set(first, 'injection.paused', 'true');
    expect(listSetKeys('', second).at(-1)).toEqual({ kind: 'setting', name: 'injection.paused', value: 'true' });
    expect(set(second, 'proxy.logLevel', '10', true)).toContain('logLevel: "10"');
    expect(set(second, 'capture.families', '[IPv4]')).toContain('families');
    expect(edited(second, { of: 'settings', path: 'proxy.logLevel', value: undefined })).not.toContain('debug');
    expect(editText(first, { of: 'settings', path: 'mode', value: { text: 'a: [', isText: false } })).toHaveProperty(
      'problems',
    );
  });

  test('of the settings beside templates of sidecars', () => {
    const template = 'kind: SidecarTemplate\n';
    const text = edited(template, { of: 'settings', path: 'mode', value: { text: 'mesh', isText: false } });
    expect(text).toContain('mode: mesh');
    expect(text.endsWith(`---\n${template}`)).toBe(true);
  });
});

test('what is set is listed once, and nothing of what cannot be read', () => {
  const keys = [{ kind: 'label', name: 'app', value: 'web' }];
  expect(listSetKeys(`${deployment}---\n${deployment}`, 'a: [')).toEqual(keys);
});
