import { stringify } from 'yaml';
import { webhookConfiguration } from '../../src/injection/policy/registration.ts';

/** The generated file, relative to the checkout. */
export const registrationFile = 'deploy/base/mutating-webhook-configuration.yaml';

const header = `# Generated from src/injection/policy/registration.ts by \`make manifests\`; do not edit.
`;

/** The text that the registration's manifest has to be. */
export function renderRegistration(): string {
  return header + stringify(webhookConfiguration(), { aliasDuplicateObjects: false, lineWidth: 0, singleQuote: true });
}
