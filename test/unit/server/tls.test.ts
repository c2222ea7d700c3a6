import { expect, test } from '@jest/globals';
import { getCiphers } from 'node:tls';
import { tlsOptions } from '../../../src/server/tls.ts';

const pair = { certificate: 'c', privateKey: 'k' };

test('every pair is presented with the same options', () => {
  const { cert, key, ...first } = tlsOptions(pair);
  expect([cert, key]).toEqual(['c', 'k']);
  const { cert: _cert, key: _key, ...second } = tlsOptions({ certificate: 'd', privateKey: 'l' });
  expect(second).toEqual(first);
  expect(first).toMatchObject({ minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] });
});

test('the ciphers are ones that this build knows, and all of them authenticate', () => {
  const { ciphers = '' } = tlsOptions(pair);
  for (const name of ciphers.split(':')) {
    expect(getCiphers()).toContain(name.toLowerCase());
    expect(name).toMatch(/^(?:TLS_|ECDHE-).*(?:GCM|POLY1305)/);
  }
});

test.each([
  { certificate: '', privateKey: 'k' },
  { certificate: 'c', privateKey: '' },
])('an empty text is refused: %j', (empty) => {
  expect(() => tlsOptions(empty)).toThrow('the certificate or its key is empty');
});
