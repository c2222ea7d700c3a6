import { expect, test } from '@jest/globals';
import { protocolOf } from '../../../src/mesh/plan/protocol.ts';

test.each([
  [{ name: 'http' }, 'http'],
  [{ name: 'HTTP-web' }, 'http'],
  [{ name: 'http2-api' }, 'http'],
  [{ name: 'grpc' }, 'http'],
  [{ name: 'grpc-web' }, 'http'],
  [{ name: 'grpc-web-v1' }, 'http'],
  [{ name: 'https' }, 'tcp'],
  [{ name: 'tls-mail' }, 'tcp'],
  [{ name: 'tcp' }, 'tcp'],
  [{ name: 'mysql-main' }, 'tcp'],
  [{ name: 'web' }, 'detect'],
  [{ name: '' }, 'detect'],
  [{ name: 'httpx' }, 'detect'],
  [{ name: 'http', appProtocol: 'tcp' }, 'tcp'],
  [{ name: 'tcp', appProtocol: 'kubernetes.io/h2c' }, 'http'],
  [{ name: 'http', appProtocol: 'kubernetes.io/wss' }, 'tcp'],
  [{ name: 'http', appProtocol: 'example.com/own' }, 'detect'],
  [{ name: 'tcp', appProtocol: 'GRPC-web' }, 'http'],
  [{ name: '', appProtocol: 'http' }, 'http'],
  [{ name: '', appProtocol: 'https' }, 'tcp'],
  [{ name: '', appProtocol: 'tcp' }, 'tcp'],
  [{ name: '', appProtocol: 'tls' }, 'tcp'],
  [{ name: '', appProtocol: 'grpc' }, 'http'],
  [{ name: '', appProtocol: 'kubernetes.io/ws' }, 'http'],
  [{ name: '', appProtocol: 'amqp', number: 25 }, 'tcp'],
  [{ name: '', number: 3306 }, 'tcp'],
  [{ name: '', number: 25 }, 'tcp'],
  [{ name: 'http', number: 3306 }, 'http'],
  [{ name: 'http', transport: 'UDP' }, 'none'],
  [{ name: '', transport: 'SCTP' }, 'none'],
] as const)('%j is %s', (port, protocol) => {
  expect(protocolOf({ number: 8080, transport: 'TCP', appProtocol: undefined, ...port })).toBe(protocol);
});
