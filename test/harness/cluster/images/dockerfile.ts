/** One stage of a Dockerfile, as far as the images of this project need it. */
export interface Stage {
  /** What follows FROM. */
  readonly base: string;
  /** Debian packages that the stage installs. */
  readonly packages: readonly string[];
  readonly copies: readonly Copy[];
  readonly config: ImageConfig;
}

/** A file or, with a slash at the end, the content of a folder. */
export interface Copy {
  /** The stage that it comes from; absent: the build context. */
  readonly stage?: string;
  readonly from: string;
  /** Absolute. */
  readonly to: string;
  readonly mode?: number;
}

/** The part of an image's configuration that the OCI specification calls `config`. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
}

const install =
  /^apt-get update && apt-get install -y --no-install-recommends ((?:[a-z0-9.+-]+ )+)&& rm -rf \/var\/lib\/apt\/lists\/\*$/;

/**
 * Reads a stage. An instruction that it does not know is an error, so that an image assembled from a stage never lacks
 * what `docker build` would have done.
 */
export function readStage(dockerfile: string, name: string): Stage {
  const stages = splitStages(dockerfile);
  const lines = stages.get(name);
  if (lines === undefined) throw new Error(`no stage ${name}: there are ${[...stages.keys()].join(', ')}`);
  const [from = '', ...rest] = lines;
  let packages: readonly string[] = [];
  let config: ImageConfig = {};
  const copies: Copy[] = [];
  for (const line of rest) {
    const [, instruction = '', text = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === 'COPY') copies.push(readCopy(text, config.WorkingDir ?? '/'));
    else if (instruction === 'RUN') packages = [...packages, ...readInstallation(text)];
    else config = { ...config, ...readConfig(instruction, text) };
  }
  return { base: from.split(/\s+/)[1] ?? '', packages, copies, config };
}

/** Lines of each named stage, without comments, continuations joined with single blanks. */
function splitStages(dockerfile: string): Map<string, string[]> {
  const stages = new Map<string, string[]>();
  let lines: string[] = [];
  const joined = dockerfile.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\s*\\\n\s*/g, ' ');
  for (const line of joined.split('\n').map((text) => text.trim())) {
    const name = /^FROM\s+\S+\s+AS\s+(\S+)$/.exec(line)?.[1];
    if (name !== undefined) {
      lines = [];
      stages.set(name, lines);
    }
    if (line !== '') lines.push(line);
  }
  return stages;
}

function readCopy(text: string, workingDirectory: string): Copy {
  const words = text.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const [from, target, ...more] = words.filter((word) => !word.startsWith('--'));
  if (from === undefined || target === undefined || more.length > 0) throw new Error(`COPY ${text}: not one source`);
  const to = target.startsWith('/') ? target : `${workingDirectory}/${target.replace(/^\.\/?/, '')}`;
  const flag = (name: string) => flags.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const unknown = flags.find((word) => !/^--(from|chmod)=/.test(word));
  if (unknown !== undefined) throw new Error(`COPY ${text}: ${unknown} is not known`);
  const [stage, mode] = [flag('from'), flag('chmod')];
  return {
    from,
    to,
    ...(stage !== undefined && { stage }),
    ...(mode !== undefined && { mode: Number.parseInt(mode, 8) }),
  };
}

function readInstallation(text: string): readonly string[] {
  const packages = install.exec(text)?.[1];
  if (packages === undefined) throw new Error(`RUN ${text}: only the installation of Debian packages is known`);
  return packages.trim().split(' ');
}

function readConfig(instruction: string, text: string): ImageConfig {
  switch (instruction) {
    case 'WORKDIR':
      return { WorkingDir: text };
    case 'USER':
      return { User: text };
    case 'ENV':
      return { Env: text.split(/\s+/) };
    case 'EXPOSE':
      return { ExposedPorts: Object.fromEntries(text.split(/\s+/).map((port) => [`${port}/tcp`, {}])) };
    case 'ENTRYPOINT':
      return { Entrypoint: JSON.parse(text) };
    case 'CMD':
      return { Cmd: JSON.parse(text) };
    default:
      throw new Error(`${instruction} ${text}: not known`);
  }
}
