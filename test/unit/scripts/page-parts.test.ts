import { describe, expect, test } from '@jest/globals';
import { replaceParts } from '../../../scripts/bench/page-parts.ts';

const webhook = '# Benchmarks\n\nold webhook\n\n## Data plane of others\n';
const overload = '## Overload\n\nold overload\n';
const commandLine = '## Command line\n\nold command line\n';
const dataplane = '## Data plane\n\nold data plane\n';
const mesh = '## Mesh\n\nold mesh\n';
const auditor = '## Auditor\n\nold auditor\n';
const node = '## On a node\n\nold node\n';
const page = `${webhook}\n${overload}\n${commandLine}\n${dataplane}\n${mesh}\n${auditor}\n${node}`;

describe('the page of benchmarks', () => {
  test.each([
    ['keeps what was not measured', {}, page],
    [
      'takes a new webhook part',
      { webhook: '# New\n' },
      `# New\n\n${overload}\n${commandLine}\n${dataplane}\n${mesh}\n${auditor}\n${node}`,
    ],
    [
      'takes a new overload',
      { overload: '## Overload\n\nnew' },
      `${webhook}\n## Overload\n\nnew\n\n${commandLine}\n${dataplane}\n${mesh}\n${auditor}\n${node}`,
    ],
    [
      'takes a new command line',
      { 'command-line': '## Command line\n\nnew' },
      `${webhook}\n${overload}\n## Command line\n\nnew\n\n${dataplane}\n${mesh}\n${auditor}\n${node}`,
    ],
    [
      'takes a new data plane',
      { dataplane: '## Data plane\n\nnew\n' },
      `${webhook}\n${overload}\n${commandLine}\n## Data plane\n\nnew\n\n${mesh}\n${auditor}\n${node}`,
    ],
    [
      'takes a new mesh',
      { mesh: '## Mesh\n\nnew' },
      `${webhook}\n${overload}\n${commandLine}\n${dataplane}\n## Mesh\n\nnew\n\n${auditor}\n${node}`,
    ],
    [
      'takes a new auditor',
      { auditor: '## Auditor\n\nnew' },
      `${webhook}\n${overload}\n${commandLine}\n${dataplane}\n${mesh}\n## Auditor\n\nnew\n\n${node}`,
    ],
    [
      'takes a new node',
      { node: '## On a node\n\nnew' },
      `${webhook}\n${overload}\n${commandLine}\n${dataplane}\n${mesh}\n${auditor}\n## On a node\n\nnew\n`,
    ],
    [
      'takes two',
      { webhook: 'a', dataplane: '## Data plane\n\nb' },
      `a\n\n${overload}\n${commandLine}\n## Data plane\n\nb\n\n${mesh}\n${auditor}\n${node}`,
    ],
  ])('%s', (_, measured, expected) => {
    expect(replaceParts(page, measured)).toBe(expected);
  });

  test.each([
    ['its overload', { overload }, `# Benchmarks\n\n${overload}`],
    ['its command line', { 'command-line': commandLine }, `# Benchmarks\n\n${commandLine}`],
    ['its data plane', { dataplane }, `# Benchmarks\n\n${dataplane}`],
    ['its mesh', { mesh }, `# Benchmarks\n\n${mesh}`],
    ['its auditor', { auditor }, `# Benchmarks\n\n${auditor}`],
    ['its node', { node }, `# Benchmarks\n\n${node}`],
  ])('gets %s when it had none', (_, measured, expected) => {
    expect(replaceParts('# Benchmarks\n', measured)).toBe(expected);
  });

  test('has each part in its place, wherever it stood before', () => {
    expect(
      replaceParts(`${webhook}\n${node}\n${mesh}\n${auditor}\n${dataplane}\n${commandLine}\n${overload}`, {}),
    ).toBe(page);
  });
});
