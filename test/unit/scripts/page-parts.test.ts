import { describe, expect, test } from '@jest/globals';
import { replaceParts } from '../../../scripts/bench/page-parts.ts';

const webhook = '# Benchmarks\n\nold webhook\n\n## Data plane of others\n';
const dataplane = '## Data plane\n\nold data plane\n';
const node = '## On a node\n\nold node\n';
const page = `${webhook}\n${dataplane}\n${node}`;

describe('the page of benchmarks', () => {
  test.each([
    ['keeps what was not measured', {}, page],
    ['takes a new webhook part', { webhook: '# New\n' }, `# New\n\n${dataplane}\n${node}`],
    ['takes a new data plane', { dataplane: '## Data plane\n\nnew\n' }, `${webhook}\n## Data plane\n\nnew\n\n${node}`],
    ['takes a new node', { node: '## On a node\n\nnew' }, `${webhook}\n${dataplane}\n## On a node\n\nnew\n`],
    ['takes two', { webhook: 'a', dataplane: '## Data plane\n\nb' }, `a\n\n## Data plane\n\nb\n\n${node}`],
  ])('%s', (_, measured, expected) => {
    expect(replaceParts(page, measured)).toBe(expected);
  });

  test.each([
    ['its data plane', { dataplane }, `# Benchmarks\n\n${dataplane}`],
    ['its node', { node }, `# Benchmarks\n\n${node}`],
  ])('gets %s when it had none', (_, measured, expected) => {
    expect(replaceParts('# Benchmarks\n', measured)).toBe(expected);
  });

  test('has each part in its place, wherever it stood before', () => {
    expect(replaceParts(`${webhook}\n${node}\n${dataplane}`, {})).toBe(page);
  });
});
