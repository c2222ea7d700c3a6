import { Command, CommanderError } from 'commander';
import { visibleLines } from '../grammar/visible.ts';
import { version } from '../settings/version.ts';
import { registerAudit } from './commands/audit.ts';
import { registerBugreport } from './commands/bugreport/command.ts';
import { registerCapture } from './commands/capture/command.ts';
import { registerCerts } from './commands/certs.ts';
import { registerCheck } from './commands/check/command.ts';
import { registerCompletion } from './commands/completion/command.ts';
import { registerDiff } from './commands/diff/command.ts';
import { registerExplain } from './commands/explain/command.ts';
import { registerInject } from './commands/inject/command.ts';
import { registerMesh } from './commands/mesh/command.ts';
import { exitCodes, report, type Io } from './io.ts';
import { registerRollout } from './commands/rollout/command.ts';
import { registerPlayground } from './commands/playground/command.ts';
import { registerServe } from './commands/serve.ts';
import { registerTemplate } from './commands/template/command.ts';
import { registerUninject } from './commands/uninject/command.ts';
import { registerVersion } from './commands/version.ts';

/** Every sub-command registers itself. The modules that a command works with are loaded when it runs. */
const registrations: readonly ((program: Command, io: Io) => void)[] = [
  registerServe,
  registerAudit,
  registerMesh,
  registerInject,
  registerUninject,
  registerExplain,
  registerDiff,
  registerCapture,
  registerPlayground,
  registerCheck,
  registerBugreport,
  registerRollout,
  registerTemplate,
  registerCerts,
  registerCompletion,
  registerVersion,
];

/** Creates the program with all its commands. Nothing runs yet. */
export function createProgram(io: Io): Command {
  const program = new Command('sidecar-injector')
    .description('Injects an Envoy sidecar into Kubernetes pods: as an admission webhook, or offline into manifests.')
    .version(version)
    // Without it, options of `mesh` would be taken from behind the names of its commands, which have some of the same names.
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('hint: run the same command with --help')
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(visibleLines(text)) })
    .addHelpText(
      'after',
      '\nExit codes: 0 success, 1 failure, 2 invalid usage, 3 differences, or something else that was looked for, such as outdated pods. Commands with more to say have it in their own help.',
    );
  for (const register of registrations) register(program, io);
  return program;
}

/** The arguments after this word are an unfinished command line. A command would parse them as its own options. */
const completing = '__complete';

/** Runs the command line (without `node` and script) and sets the exit code through `io.finish`. Never rejects. */
export async function runProgram(args: readonly string[], io: Io): Promise<void> {
  try {
    const program = createProgram(io);
    if (args[0] === completing) {
      const { answerCompletion } = await import('./commands/completion/complete.ts');
      answerCompletion(program, args.slice(1), io);
      return;
    }
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      io.finish(error.exitCode === 0 ? exitCodes.fine : exitCodes.usage);
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    const remedy = 'this is a defect of sidecar-injector; please report it with the command and its input';
    io.finish(report({ problems: [`unexpected fault: ${message}`], remedy, code: exitCodes.failed }, io));
  }
}
