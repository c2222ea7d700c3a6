import type { Edit } from './edit.ts';

const generate = { file: 'src/cli/commands/certs.ts', tests: ['test/unit/cli/certs.test.ts'] };
const authority = { file: 'src/certs/authority.ts', tests: ['test/unit/certs/authority.test.ts'] };
const secret = { file: 'src/certs/ca-secret.ts', tests: ['test/unit/certs/ca-secret.test.ts'] };
const files = { file: 'src/certs/file-source.ts', tests: ['test/unit/certs/file-source.test.ts'] };
const bundle = { file: 'src/certs/bundle.ts', tests: ['test/unit/certs/bundle.test.ts'] };

/** Keys, certificates and what is trusted. */
export const certificates: readonly Edit[] = [
  {
    protects: 'the serving key is for its owner alone',
    ...generate,
    text: "{ name: 'tls.key', text: leaf.privateKey, mode: 0o600 }",
    replacement: "{ name: 'tls.key', text: leaf.privateKey, mode: 0o644 }",
  },
  {
    protects: "the CA's key is for its owner alone",
    ...generate,
    text: "{ name: 'ca.key', text: authority.privateKey, mode: 0o600 }",
    replacement: "{ name: 'ca.key', text: authority.privateKey, mode: 0o640 }",
  },
  {
    protects: 'no key is overwritten',
    ...generate,
    text: "{ mode, flag: 'wx' }",
    replacement: "{ mode, flag: 'w' }",
  },
  {
    protects: 'half a set of files is taken back',
    ...generate,
    text: 'for (const file of written) await rm(file);',
    replacement: '',
  },
  {
    protects: 'a leaf does not outlive its CA',
    ...authority,
    text: 'Math.min(now.getTime() + options.lifetimeMs, caEndMs)',
    replacement: 'now.getTime() + options.lifetimeMs',
  },
  {
    protects: 'an expired CA signs nothing',
    ...authority,
    text: 'if (caEndMs <= now.getTime()) throw',
    replacement: 'if (caEndMs < 0) throw',
  },
  {
    protects: 'a CA signs with its own key alone',
    ...authority,
    text: 'if (!ca.checkPrivateKey(createPrivateKey(authority.privateKey))) {',
    replacement: 'if (ca.subject === undefined) {',
  },
  {
    protects: 'a leaf is for servers alone',
    ...authority,
    text: "{ name: 'extKeyUsage', serverAuth: true }",
    replacement: "{ name: 'extKeyUsage', serverAuth: true, clientAuth: true }",
  },
  {
    protects: 'a leaf is no CA',
    ...authority,
    text: "{ name: 'basicConstraints', critical: true, cA: false }",
    replacement: "{ name: 'basicConstraints', critical: true, cA: true }",
  },
  {
    protects: 'a CA of the Secret whose key is another’s is refused',
    ...secret,
    text: 'if (!certificate.checkPrivateKey(key)) throw',
    replacement: "if (keyText === '') throw",
  },
  {
    protects: 'a certificate of the Secret that is no CA is refused',
    ...secret,
    text: 'if (!certificate.ca) throw',
    replacement: "if (certificate.subject === 'x') throw",
  },
  {
    protects: 'the old CA is trusted during a rotation',
    ...secret,
    text: 'return joinBundle([content.current.certificate, ...next, ...content.previous]);',
    replacement: 'return joinBundle([content.current.certificate, ...next]);',
  },
  {
    protects: 'a pair of files that does not match is not served',
    ...files,
    text: 'if (mismatch !== undefined) return mismatch;',
    replacement: '',
  },
  {
    protects: 'an expired certificate is not taken over',
    ...files,
    text: 'if (leaf.validToDate <= now) return',
    replacement: 'if (leaf.validToDate < new Date(0)) return',
  },
  {
    protects: 'a certificate for clients alone is not served',
    ...files,
    text: 'if (usages !== undefined && !usages.some(',
    replacement: 'if (usages !== undefined && usages.length === 0 && !usages.some(',
  },
  {
    protects: 'an unfinished block is never half a bundle',
    ...bundle,
    text: "if (pem.split('-----BEGIN CERTIFICATE-----').length - 1 !== blocks.length) {",
    replacement: 'if (blocks.length < 0) {',
  },
  {
    protects: 'only the entry that was read is patched',
    file: 'src/kubernetes/bundle-publisher.ts',
    text: "          { op: 'test', path: `/webhooks/${index}/name`, value: name },\n",
    replacement: '',
    tests: ['test/unit/kubernetes/bundle-publisher.test.ts'],
  },
  {
    protects: "entries of others keep their CA's",
    file: 'src/kubernetes/bundle-publisher.ts',
    text: 'if (name === undefined || !name.endsWith(entrySuffix)) return [];',
    replacement: 'if (name === undefined) return [];',
    tests: ['test/unit/kubernetes/bundle-publisher.test.ts'],
  },
];
