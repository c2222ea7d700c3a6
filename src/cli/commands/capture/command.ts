import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import { addEngineOptions, addExamples, addExitCodes, addFilenameOption, addPodTemplateOption } from '../../options.ts';
import type { CaptureOptions } from './options.ts';

/** `capture`: prints the rules that a pod's init container loads, or the rules of a capture file. */
export function registerCapture(program: Command, io: Io): void {
  const command = program
    .command('capture')
    .description(
      "Print the rules that redirect a pod's traffic to its proxy, exactly as its init container loads them. Changes nothing.",
    );
  addFilenameOption(command);
  command
    .option('--config <file>', 'file with the field names of istio-iptables, or - for standard input, instead of -f')
    .option('--dry-run', 'print the rules; needed because this command never loads any: the init container does')
    .addOption(
      command
        .createOption(
          '--family <family>',
          'print only the iptables rules of one IP family, or only the nftables table (default: all)',
        )
        .choices(['v4', 'v6', 'nft']),
    )
    .option('--explain', 'print a table of what is captured and why, instead of the rules');
  addEngineOptions(command);
  addPodTemplateOption(command);
  addExamples(
    command,
    'sidecar-injector capture -f web.yaml --dry-run',
    'sidecar-injector capture -f web.yaml --dry-run --family v4 | iptables-restore --test',
    'sidecar-injector capture -f web.yaml --explain',
    `echo '{"inboundPortsInclude": "*"}' | sidecar-injector capture --config - --dry-run`,
  );
  addExitCodes(command, { fine: 'success', failed: 'invalid input or a pod without a sidecar' });
  command.action(async (options: CaptureOptions) => {
    const { runCapture } = await import('./run.ts');
    io.finish(await runCapture(options, io));
  });
}
