import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import { addExamples } from '../../options.ts';

import type { LintOptions } from './lint.ts';

/** `template`: for the authors of sidecars. */
export function registerTemplate(program: Command, io: Io): void {
  const template = program.command('template').description('Create, test and lint sidecar templates.');

  const create = template
    .command('new')
    .description('Create a folder with a working template and its tests, as a starting point.')
    .argument('<name>', 'name of the sidecar, a DNS label')
    .option('--out <folder>', 'folder to write to (default: the name of the sidecar)');
  addExamples(create, 'sidecar-injector template new clock');
  create.action(async (name: string, { out }: { readonly out?: string }) => {
    const { runTemplateNew } = await import('./new.ts');
    io.finish(await runTemplateNew(name, out ?? name, io));
  });

  const test = template
    .command('test')
    .description(
      'Run every TemplateTest in FOLDER/tests against the templates in FOLDER. Exits with 1 if a test fails.',
    )
    .argument('<folder>', 'folder with SidecarTemplate files and a folder tests');
  addExamples(test, 'sidecar-injector template test deploy/sidecars/log-shipper');
  test.action(async (folder: string) => {
    const { runTemplateTest } = await import('./test.ts');
    io.finish(await runTemplateTest(folder, io));
  });

  const lint = template
    .command('lint')
    .description(
      'Report the Pod Security level that injected pods need, the CPU and memory that is added, and what a template lacks.',
    )
    .argument('<folder>', 'folder with SidecarTemplate files')
    .option('--strict', 'exit with 1 if there are hints');
  addExamples(lint, 'sidecar-injector template lint deploy/sidecars/log-shipper');
  lint.action(async (folder: string, options: LintOptions) => {
    const { runTemplateLint } = await import('./lint.ts');
    io.finish(await runTemplateLint(folder, options, io));
  });
}
