import { expect, test } from '@jest/globals';
import { readRun } from '../../support/cluster/conformance.ts';

test('the outcome and the lines of each test of the suite are read', () => {
  const lines = [
    '=== RUN   TestConformance',
    '    conformance.go:1: Running conformance tests with:',
    '=== RUN   TestConformance/MeshBasic',
    '=== RUN   TestConformance/MeshBasic/0_request_to_v1',
    '    echo.go:1: Request passed',
    '=== RUN   TestConformance/MeshPorts',
    '    echo.go:2: expected 404',
    '=== RUN   TestConformance/GatewayClass',
    '    suite.go:3: not supported',
    '--- FAIL: TestConformance (2.00s)',
    '    --- PASS: TestConformance/MeshBasic (1.00s)',
    '        --- PASS: TestConformance/MeshBasic/0_request_to_v1 (1.00s)',
    '    --- FAIL: TestConformance/MeshPorts (1.00s)',
    '    --- SKIP: TestConformance/GatewayClass (0.00s)',
    'FAIL',
  ];
  const { results } = readRun(lines);
  expect([...results].map(([name, { outcome }]) => [name, outcome])).toEqual([
    ['MeshBasic', 'PASS'],
    ['MeshPorts', 'FAIL'],
    ['GatewayClass', 'SKIP'],
  ]);
  expect(results.get('MeshBasic')?.log.split('\n')).toEqual(lines.slice(2, 5));
  expect(results.get('MeshPorts')?.log.split('\n')).toEqual(lines.slice(5, 7));
});
