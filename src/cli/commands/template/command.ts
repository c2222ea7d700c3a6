import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import { addExamples } from '../../options.ts';

import type { LintOptions } from './lint.ts';

/** `template`: for the authors of sidecars. */
export function registerTemplate(program: Command, io: Io): void {
  const template = program.command('template').description('Write, check and test sidecar templates.');

  const create = template
    .command('new')
    .description('Write a template that works and its tests, to start from.')
    .argument('<name>', 'name of the sidecar, a DNS label')
    .option('--out <folder>', 'folder of the files (default: the name)');
  addExamples(create, 'sidecar-injector template new clock');
  create.action(async (name: string, { out }: { readonly out?: string }) => {
    const { runTemplateNew } = await import('./new.ts');
    io.finish(await runTemplateNew(name, out ?? name, io));
  });

  const test = template
    .command('test')
    .description(
      "Run a template's own tests: every TemplateTest in FOLDER/tests against the templates in FOLDER. Exit code 1 when one fails.",
    )
    .argument('<folder>', 'folder with SidecarTemplate files and tests/');
  addExamples(test, 'sidecar-injector template test deploy/sidecars/log-shipper');
  test.action(async (folder: string) => {
    const { runTemplateTest } = await import('./test.ts');
    io.finish(await runTemplateTest(folder, io));
  });

  const lint = template
    .command('lint')
    .description('Predict the Pod Security level of injected pods, add up CPU and memory, point at what is missing.')
    .argument('<folder>', 'folder with SidecarTemplate files')
    .option('--strict', 'exit code 1 when there is a hint');
  addExamples(lint, 'sidecar-injector template lint deploy/sidecars/log-shipper');
  lint.action(async (folder: string, options: LintOptions) => {
    const { runTemplateLint } = await import('./lint.ts');
    io.finish(await runTemplateLint(folder, options, io));
  });
}
