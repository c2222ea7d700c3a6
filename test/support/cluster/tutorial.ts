import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';

/** A step of docs/tutorial.md. */
export interface TutorialStep {
  readonly title: string;
  readonly command: string;
  /** Lines that the reader is told to expect. */
  readonly expected: readonly string[];
}

/** Reads the numbered steps: a heading, the command in a block `sh`, and what it prints in the block after it. */
export async function readTutorial(): Promise<readonly TutorialStep[]> {
  const text = await readFile(path.join(root, 'docs/tutorial.md'), 'utf8');
  const parts = text.split(/^## /m).filter((part) => /^\d+\. /.test(part));
  return parts.map((part) => {
    const [title = ''] = part.split('\n', 1);
    const [command, output] = [...part.matchAll(/^```(?:sh)?\n(.*?)^```$/gms)].map(([, block = '']) => block);
    if (command === undefined) throw new Error(`step "${title}" has no command`);
    return { title, command: command.trim(), expected: (output ?? '').split('\n').filter((line) => line !== '') };
  });
}
