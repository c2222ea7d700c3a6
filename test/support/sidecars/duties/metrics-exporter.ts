import { expect } from '@jest/globals';
import type { Duty } from '../duty.ts';

/** It serves the application's own metrics and those of the network. */
export const duty: Duty = async (namespace, pod) => {
  const address = (await namespace.untilPod(pod)).status.podIP;
  const metrics = await namespace.exec('client/app', 'curl', '-sS', '--fail', `http://${address}:9100/metrics`);
  expect(metrics).toMatch(/^orders_total 42$/m);
  expect(metrics).toMatch(/^node_network_receive_bytes_total\{device="eth0"\} /m);
};
