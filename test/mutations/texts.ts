import type { Edit } from './edit.ts';

const keys = ['test/unit/json/untrusted-keys.test.ts'];
const bootstrap = { file: 'src/envoy/bootstrap-text.ts', tests: ['test/unit/envoy/bootstrap-text.test.ts'] };
const yaml = { file: 'src/grammar/yaml-grammar.ts', tests: ['test/unit/settings/proxy-config.test.ts'] };

/** Texts and keys of users: pointers, prototypes, YAML, guesses. */
export const texts: readonly Edit[] = [
  {
    protects: 'an inherited member is no member',
    file: 'src/json/json.ts',
    text: 'return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;',
    replacement: 'return object?.[key];',
    tests: keys,
  },
  {
    protects: 'a tilde in a key is escaped in a pointer',
    file: 'src/json/operation.ts',
    text: "token.replaceAll('~', '~0').replaceAll('/', '~1')",
    replacement: "token.replaceAll('/', '~1')",
    tests: keys,
  },
  {
    protects: 'a slash in a key is escaped in a pointer',
    file: 'src/json/operation.ts',
    text: ".replaceAll('/', '~1')",
    replacement: '',
    tests: keys,
  },
  {
    protects: 'a pointer is read in the right order of its escapes',
    file: 'src/json/pointer.ts',
    text: "token.replaceAll('~1', '/').replaceAll('~0', '~')",
    replacement: "token.replaceAll('~0', '~').replaceAll('~1', '/')",
    tests: keys,
  },
  {
    protects: 'characters that end a line in YAML are escaped in the bootstrap',
    ...bootstrap,
    text: String.raw`const unsafe = /[\u007f-\u00a0\u2028\u2029\ufeff]/g;`,
    replacement: String.raw`const unsafe = /[\u007f]/g;`,
  },
  {
    protects: 'a dollar in the bootstrap is no variable of Kubernetes',
    ...bootstrap,
    text: "text.replaceAll('$', '$$$$')",
    replacement: 'text',
  },
  {
    protects: 'a lone surrogate does not reach the bootstrap',
    ...bootstrap,
    text: 'JSON.stringify(text.toWellFormed())',
    replacement: 'JSON.stringify(text)',
  },
  {
    protects: 'a word that YAML takes for a boolean stands in quotes in the bootstrap',
    ...bootstrap,
    text: 'reserved.test(text) ?',
    replacement: 'text === "" ?',
  },
  {
    protects: 'a word that is no plain one stands in quotes in the bootstrap',
    ...bootstrap,
    text: String.raw`const word = /^(?:[A-Za-z/][\w./-]*|\d+s)$/;`,
    replacement: String.raw`const word = /^(?:[A-Za-z/][\w./: -]*|\d+s)$/;`,
  },
  {
    protects: 'an alias in an annotation is refused, so a small text stays a small value',
    ...yaml,
    text: 'odd ||= isAlias(node) || ',
    replacement: 'odd ||= ',
  },
  {
    protects: 'a YAML annotation is bounded',
    ...yaml,
    text: 'if (text.length > longest) return',
    replacement: 'if (text.length > 1e9) return',
  },
  {
    protects: 'a map with a key twice is refused',
    file: 'src/grammar/yaml/value.ts',
    tests: ['test/unit/settings/proxy-config.test.ts', 'test/unit/yaml/value.test.ts'],
    text: 'if (own.has(key))',
    replacement: 'if (own.has(key) && key === "")',
  },
  {
    protects: 'a long text gets no suggestion, which costs its square',
    file: 'src/grammar/suggestion.ts',
    text: 'if (unknown.length > 128) return undefined;',
    replacement: '',
    tests: ['test/unit/grammar/grammar.test.ts'],
  },
];
