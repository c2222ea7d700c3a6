import type { Edit } from './edit.ts';

const policy = { file: 'scripts/playground.ts', tests: ['test/unit/playground/bundle.test.ts'] };
const server = { file: 'src/cli/commands/playground/page-server.ts', tests: ['test/unit/cli/playground.test.ts'] };
const link = { file: 'src/playground/share-link.ts', tests: ['test/unit/playground/share-link.test.ts'] };

/** What keeps a manifest or a link from doing more than being shown. That browsers keep to the policy is held by test/browser. */
export const playground: readonly Edit[] = [
  {
    protects: 'what the policy does not name is forbidden',
    ...policy,
    text: "'default-src': \"'none'\"",
    replacement: "'default-src': '*'",
  },
  {
    protects: 'the page runs its own script alone',
    ...policy,
    text: "'script-src': hashOf(script)",
    replacement: "'script-src': \"'unsafe-inline'\"",
  },
  {
    protects: 'the page asks nobody for anything',
    ...policy,
    text: "'connect-src': \"'none'\"",
    replacement: "'connect-src': '*'",
  },
  {
    protects: 'the page sends no form, which the default does not forbid',
    ...policy,
    text: "    'form-action': \"'none'\",\n",
    replacement: '',
  },
  {
    protects: 'a text becomes no script',
    ...policy,
    text: "    'require-trusted-types-for': \"'script'\",\n",
    replacement: '',
  },
  {
    protects: 'the address of the engine alone may become one',
    ...policy,
    text: "'trusted-types': 'engine'",
    replacement: "'trusted-types': '*'",
  },
  {
    protects: 'no other page frames the page',
    ...server,
    text: "${policy}; frame-ancestors 'none'",
    replacement: '${policy}',
  },
  {
    protects: 'a page without a policy is not served',
    ...server,
    text: "  if (policy === undefined) throw new Error('the page has no policy');\n",
    replacement: '',
  },
  {
    protects: 'a short link does not unpack to gigabytes',
    ...link,
    text: 'if (length > mostBytes) {',
    replacement: 'if (length > 1e12) {',
  },
  {
    protects: 'a link of another version is said to be one',
    ...link,
    text: 'if (name !== version)',
    replacement: "if (name === '')",
  },
  {
    protects: 'a link has as many fields as the page',
    ...link,
    text: '      values.length !== fields.length ||\n',
    replacement: '',
  },
  {
    protects: 'the fields of a link are texts',
    ...link,
    text: "!values.every((value) => typeof value === 'string')",
    replacement: 'false',
  },
  {
    protects: 'a manifest that is too long is not looked at',
    file: 'src/playground/question.ts',
    text: 'if (length <= mostCharacters) return [];',
    replacement: 'if (length <= 1e12) return [];',
    tests: ['test/unit/playground/question.test.ts'],
  },
];
