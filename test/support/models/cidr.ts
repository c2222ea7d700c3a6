import { BlockList } from 'node:net';

/** Node's own reading of addresses, so that a test does not judge the product's by itself. */
export function addressIn(address: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const kind = address.includes(':') ? 'ipv6' : 'ipv4';
  if (network.includes(':') !== (kind === 'ipv6')) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), kind);
  return list.check(address, kind);
}
