import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import {
  addEngineOptions,
  addExamples,
  addIstioOptions,
  addFilenameOption,
  addOutputOption,
  addPodTemplateOption,
} from '../../options.ts';
import type { ExplainOptions } from './options.ts';

/** `explain`: why a pod is injected or not, and what it gets. */
export function registerExplain(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description(
      'Say why the pods of a manifest, or a live pod, are injected or not, what they get and what is captured.',
    );
  addFilenameOption(command);
  addOutputOption(command, ['text', 'json'], 'text for people or json for programs');
  command
    .option('--pod <namespace/name>', 'a pod of the cluster, instead of -f')
    .option('--kubeconfig <file>', 'how to reach the cluster (default: $KUBECONFIG, ~/.kube/config, the pod itself)');
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
