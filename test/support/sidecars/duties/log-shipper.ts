import { expect } from '@jest/globals';
import { logged } from '../container-state.ts';
import type { Duty } from '../duty.ts';

/** The lines of the application are in its output. */
export const duty: Duty = async (namespace, pod) => {
  // How a record is written depends on the program.
  const line = await logged(namespace, pod, 'log-shipper', 'the first line');
  for (const value of ['/var/log/app/app.log', pod, namespace.name]) expect(line).toContain(`"${value}"`);
};
