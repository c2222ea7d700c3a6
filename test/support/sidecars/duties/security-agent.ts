import { expect } from '@jest/globals';
import { logged, privilegesOf } from '../container-state.ts';
import type { Duty } from '../duty.ts';

/** It reports the watched file, and can write nowhere. */
export const duty: Duty = async (namespace, pod) => {
  await logged(namespace, pod, 'security-agent', '"web.conf"');
  expect(await privilegesOf(namespace, `${pod}/security-agent`)).toEqual({ user: '10004', capabilities: 0n });
  const write = namespace.exec(`${pod}/security-agent`, '/bin/sh', '-c', 'echo x > /watched/web.conf || echo x > /x');
  await expect(write).rejects.toThrow(/Read-only file system/);
};
