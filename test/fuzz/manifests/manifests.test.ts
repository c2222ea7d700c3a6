import { expect } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { parseYaml } from '../../../src/grammar/yaml/document.ts';
import { readValue } from '../../../src/grammar/yaml/value.ts';
import { splitStream } from '../../../src/yaml/stream.ts';
import { canonicalText } from '../../../src/json/json.ts';
import { runCommand, type Run } from '../../support/builders/recorded-io.ts';
import { campaign } from '../../support/fuzz/campaign.ts';
import { changedText, oddText } from '../../support/fuzz/odd-json.ts';
import { expectUntouchedPrototypes } from '../../support/fuzz/prototypes.ts';

/** Manifests in the notations that people use. */
const manifests = [
  `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels:
        app: web   # ours
      annotations: {a: "b"}
    spec:
      containers:
      - name: web
        image: example.com/web:1
        readinessProbe:
          httpGet: {path: /ready, port: 8080}
        args: ["--a",
          "b"]
`,
  `---
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: &l {app: web}
  annotations: *l
spec:
    containers:
      - name: web
        image: >-
          example.com/web:1
        env:
          - {name: A, value: 'it''s'}
        command: [sh, -c, "
          sleep 1
          "]
    volumes: []
---
# nothing
---
apiVersion: v1
kind: ConfigMap
metadata: {name: m}
data:
  text: |
    a: b
    - c
`,
  `{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
   "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}], "initContainers": null}}
]}
`,
  `apiVersion: batch/v1\r\nkind: CronJob\r\nmetadata:\r\n  name: tick\r\nspec:\r\n  schedule: "* * * * *"\r\n  jobTemplate:\r\n    spec:\r\n      template:\r\n        spec:\r\n          restartPolicy: Never\r\n          containers:\r\n          - image: example.com/tick:1\r\n            name: tick\r\n`,
];

/** Pieces of YAML: indicators, notations of scalars, comments, anchors, breaks. */
const pieces = fc.oneof(
  fc.constantFrom(
    '\n',
    '\r\n',
    '\t',
    '  ',
    '- ',
    ': ',
    ' #x\n',
    '&a ',
    '*a',
    '*l',
    '<<: *l\n',
    '|\n',
    '>-\n',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '? ',
    '!',
    '~',
    'null',
    'yes',
    '0o17',
    '017',
    '0x1f',
    '1:30',
    'a: b\n',
    '\n  - name: x\n',
    '\nspec:\n',
    '\u0085',
    '\u2028',
    '\ufeff',
    'é',
    '\u{1f600}',
    '__proto__: x\n',
    'name: web\n',
  ),
  { arbitrary: oddText.map((text) => text.slice(0, 200)), weight: 1 },
);

const options = ['--filename', '-'];

/** Whether there is a number that JSON has not, or that JavaScript cannot hold: what becomes of those is known to be wrong. */
function hasOddNumber(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasOddNumber);
}

/** What Kubernetes reads in a stream, document by document, empty ones aside; nothing of a text that is no YAML. */
function documentsOf(text: string): readonly unknown[] {
  return [...splitStream(text)].flatMap((chunk) => {
    const read = readValue(parseYaml(chunk.text));
    return 'message' in read || read.value === null ? [] : [read.value];
  });
}

/** Every outcome is one that the documentation has; a defect that was caught is still one. */
function expectDocumented({ code, stdout, stderr }: Run): void {
  expect(stderr).not.toContain('unexpected fault');
  expect([0, 1]).toContain(code);
  if (code === 0) return;
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error: .+\nhint: .+\n$/m);
}

async function check(input: Buffer): Promise<void> {
  const text = input.toString('utf8');
  if (documentsOf(text).some(hasOddNumber)) return;
  const injected = await runCommand(['inject', ...options], text);
  expectDocumented(injected);
  expectUntouchedPrototypes();
  if (injected.code !== 0) return;
  for (const { text: document } of splitStream(injected.stdout))
    expect(readValue(parseYaml(document))).toHaveProperty('value');
  const back = await runCommand(['uninject', ...options], injected.stdout);
  expectDocumented(back);
  expect(documentsOf(back.stdout).map(canonicalText)).toEqual(documentsOf(text).map(canonicalText));
}

campaign({
  name: 'manifests',
  file: 'test/fuzz/manifests/manifests.test.ts',
  inputs: changedText(fc.constantFrom(...manifests), pieces).map((text) => Buffer.from(text)),
  check,
});
