import { secretNames } from '../../envoy/mesh-tls.ts';
import type { Resource } from '../resources/resource.ts';

/** A certificate with its key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Returns the secrets of a proxy: its certificate, and the roots by which it knows others. */
export function workloadSecrets(pair: KeyPair, roots: string): readonly Resource[] {
  const { certificate, roots: name } = secretNames;
  return [
    {
      kind: 'secret',
      name: certificate,
      json: {
        name: certificate,
        tls_certificate: {
          certificate_chain: { inline_string: pair.certificate },
          private_key: { inline_string: pair.privateKey },
        },
      },
    },
    { kind: 'secret', name, json: { name, validation_context: { trusted_ca: { inline_string: roots } } } },
  ];
}
