import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import {
  addClusterOptions,
  addEngineOptions,
  addExamples,
  addIstioOptions,
  addFilenameOption,
  addOutputOption,
  addPodTemplateOption,
} from '../../options.ts';
import type { ExplainOptions } from './options.ts';

/** `explain`: tells why a pod is injected or not, and what is added to it. */
export function registerExplain(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description(
      'Explain why the pods of manifests, or a live pod, are injected or not, what is added and which traffic is captured.',
    );
  addFilenameOption(command);
  addOutputOption(command, ['text', 'json'], 'output format: text for people, json for programs');
  command.option(
    '--pod <namespace/name>',
    'live pod to explain, instead of -f; its namespace and the registration are read too, and the ConfigMaps with settings and sidecars that no option names',
  );
  addClusterOptions(command);
  addEngineOptions(command);
  addIstioOptions(command);
  addPodTemplateOption(command);
  addExamples(
    command,
    'sidecar-injector explain -f web.yaml --namespace shop --namespace-labels istio-injection=enabled',
    'sidecar-injector explain --pod shop/web-6d4cf56db6-x2x7p',
  );
  command.action(async (options: ExplainOptions) => {
    const { runExplain } = await import('./run.ts');
    io.finish(await runExplain(options, io));
  });
}
