import { expect } from '@jest/globals';
import type { Duty } from '../duty.ts';

/** What a pod has to say to get it. */
export const parameters = { 'tls-terminator.sidecar-injector.io/secret': 'web-tls' };

/** Whoever trusts the certificate reaches the application. */
export const duty: Duty = async (namespace, pod) => {
  const address = (await namespace.untilPod(pod)).status.podIP;
  const trusted = ['--cacert', '/tmp/ca.pem', '--resolve', `web:8443:${address}`];
  const answer = await namespace.exec('client/app', 'curl', '-sS', '--fail', ...trusted, 'https://web:8443/cart');
  expect(JSON.parse(answer)).toMatchObject({
    host: pod,
    url: '/cart',
    peer: expect.stringContaining('127.0.0.1'),
    headers: { host: 'web:8443', 'x-forwarded-proto': 'https' },
  });
};
