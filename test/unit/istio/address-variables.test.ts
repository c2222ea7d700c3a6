import { describe, expect, test } from '@jest/globals';
import { readAddressVariables } from '../../../src/istio/address-variables.ts';

describe('variables that an address names', () => {
  test.each<[string, object]>([
    ['/inject', {}],
    ['/inject/', {}],
    ['/inject/cluster/west', { ISTIO_META_CLUSTER_ID: 'west' }],
    ['/inject/cluster/west/', { ISTIO_META_CLUSTER_ID: 'west' }],
    ['/inject/cluster/west/net/n1', { ISTIO_META_CLUSTER_ID: 'west', ISTIO_META_NETWORK: 'n1' }],
    ['/inject/net/n1/cluster/west', { ISTIO_META_CLUSTER_ID: 'west', ISTIO_META_NETWORK: 'n1' }],
    ['/inject/ISTIO_META_NETWORK/n1', { ISTIO_META_NETWORK: 'n1' }],
    ['/inject/some_name/v', { SOME_NAME: 'v' }],
    ['/inject/a/x--slash--y/b/--slash--z', { A: 'x/y', B: '/z' }],
    ['/inject/a/x%20y', { A: 'x y' }],
    ['/inject/a/x=y', { A: 'x=y' }],
    ['/inject/:ENV:cluster=west:ENV:net=n1', { ISTIO_META_CLUSTER_ID: 'west', ISTIO_META_NETWORK: 'n1' }],
    ['/inject/:ENV:a=x/y=z:ENV:b=', { A: 'x/y=z', B: '' }],
    ['/inject/%3AENV%3Aa=b', { A: 'b' }],
  ])('%s', (path, variables) => {
    expect(readAddressVariables(path)).toEqual({ variables });
  });

  test.each([
    ['/inject/cluster', '"cluster" has no value'],
    ['/inject/cluster/west/net', '"net" has no value'],
    ['/inject//west', '"" is not a name'],
    ['/inject/a-b/c', '"a-b" is not a name'],
    ['/inject/1a/c', '"1a" is not a name'],
    ['/inject/../c', '".." is not a name'],
    ['/inject/__proto__x$/c', '"__proto__x$" is not a name'],
    ['/inject/a/1/A/2', '"A" is there twice'],
    ['/inject/cluster/1/ISTIO_META_CLUSTER_ID/2', '"ISTIO_META_CLUSTER_ID" is there twice'],
    ['/inject/net/n_1-', 'net: "n_1-" is not allowed; allowed: a value of a label'],
    ['/inject/net/a--slash--b', 'a value of a label'],
    ['/inject/cluster/%0A', 'cluster: '],
    [`/inject/a/${'x'.repeat(1025)}`, 'at most 1024'],
    ['/inject/:ENV:a', '"a" has no value'],
    ['/inject/:ENV:=a', '"" is not a name'],
    ['/inject/:ENV:cluster=', '1 to 253'],
    ['/inject/%zz', 'does not decode'],
  ])('%s is refused', (path, problem) => {
    expect(readAddressVariables(path)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test('a name of every object is a name like others', () => {
    expect(readAddressVariables('/inject/__proto__/x')).toEqual({ variables: { __PROTO__: 'x' } });
  });
});
