import { describe, expect, test } from '@jest/globals';
import { replaceParts } from '../../../scripts/bench/page-parts.ts';

const section = (markdown: string) => ({ markdown, summary: '' });
const webhook = '# Benchmarks\n\nold webhook\n\n## Data plane of others\n';
const dataplane = '## Data plane\n\nold data plane\n';

describe('the page of benchmarks', () => {
  test.each([
    ['keeps what was not measured', {}, `${webhook}\n${dataplane}`],
    ['takes a new webhook part', { webhook: section('# Benchmarks\n\nnew\n') }, `# Benchmarks\n\nnew\n\n${dataplane}`],
    ['takes a new data plane', { dataplane: section('## Data plane\n\nnew\n') }, `${webhook}\n## Data plane\n\nnew\n`],
    ['takes both', { webhook: section('a'), dataplane: section('## Data plane\n\nb') }, 'a\n\n## Data plane\n\nb\n'],
  ])('%s', (_, measured, expected) => {
    expect(replaceParts(`${webhook}\n${dataplane}`, measured)).toBe(expected);
  });

  test('gets its data plane when it had none', () => {
    expect(replaceParts('# Benchmarks\n', { dataplane: section(dataplane) })).toBe(`# Benchmarks\n\n${dataplane}`);
  });
});
