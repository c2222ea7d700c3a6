import { expect, test } from '@jest/globals';
import { decideOn, podWith, type PodParts } from '../../../support/builders/decisions.ts';

function warnings(image: string, parts: PodParts = {}): readonly string[] {
  return decideOn(podWith({ container: { image }, ...parts })).warnings;
}

const guest =
  'sidecar-injector: container "app": RabbitMQ sees all clients as 127.0.0.6, so its user guest, meant for loopback, may log in from ' +
  'everywhere (delete it, or change its password), or exclude port 5672 (traffic.sidecar.istio.io/excludeInboundPorts)';

test.each([
  'rabbitmq',
  'rabbitmq:4-management',
  'docker.io/library/RabbitMQ:4',
  'localhost:5000/rabbitmq',
  'registry/x/rabbitmq@sha256:0000000000000000000000000000000000000000000000000000000000000000',
])('a server that does something with the address of its client, %s', (image) => {
  expect(warnings(image)).toContain(guest);
});

test.each([
  ['quay.io/coreos/etcd:v3.6.0', /etcd .*members.*port 2380 /],
  ['ubuntu/apache2:2.4', /Apache httpd .*server-status.*port 80 /],
  ['mongo:8', /MongoDB .*first one.*port 27017 /],
  ['boky/postfix', /Postfix .*mynetworks.*port 25 /],
  ['valkey/valkey:8', /Redis .*replica-announce-ip.*port 6379 /],
  ['tomcat:11', /Tomcat .*Manager.*port 8080 /],
])('%s', (image, expected) => {
  expect(warnings(image).join('\n')).toMatch(expected);
});

test.each<[string, string, PodParts]>([
  ['another image', 'rabbitmq-exporter', {}],
  ['an image whose pages for loopback are off', 'httpd:2.4', {}],
  ['no image', '', {}],
  ['a port that is excluded', 'rabbitmq', { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '5672' } }],
  ['ports that are listed', 'rabbitmq', { annotations: { 'traffic.sidecar.istio.io/includeInboundPorts': '80' } }],
  ['no capture', 'rabbitmq', { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } }],
])('no warning: %s', (_, image, parts) => {
  expect(warnings(image, parts).filter((text) => text.includes('127.0.0.6'))).toEqual([]);
});

test('init containers serve nobody', () => {
  const spec = { initContainers: [{ name: 'setup', image: 'rabbitmq' }] };
  expect(warnings('app:1', { spec }).filter((text) => text.includes('RabbitMQ'))).toEqual([]);
});
