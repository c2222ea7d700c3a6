import { describe, expect, test } from '@jest/globals';
import { isWithin } from '../../../src/capture/cidr.ts';

describe('an address lies in a CIDR', () => {
  test.each<[address: string, cidr: string, isInside: boolean]>([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.255.255.255/8', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['10.1.2.3', '10.1.2.3/32', true],
    ['10.1.2.2', '10.1.2.3/32', false],
    ['10.1.2.3', '::/0', false],
    ['::1', '0.0.0.0/0', false],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['0:0:0:0:0:0:0:1', '::1/128', true],
    ['2001:DB8::A', '2001:db8::a/128', true],
    ['::102:304', '::1.2.3.4/128', true],
    ['::ffff:1.2.3.4', '::1.2.3.4/128', false],
    ['::ffff:102:304', '::ffff:1.2.3.4/128', true],
  ])('%s in %s: %s', (address, cidr, isInside) => expect(isWithin(address, cidr)).toBe(isInside));
});
