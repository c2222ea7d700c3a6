import { gzipSync } from 'node:zlib';

/** A file of an archive. */
export interface ArchiveFile {
  /** Path in the archive, of at most 100 characters of ASCII. */
  readonly name: string;
  readonly text: string;
}

const block = 512;

/** A header as POSIX defines it (ustar), of an ordinary file that its owner alone may read. */
function header(name: string, size: number, seconds: number): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  const fields: readonly (readonly [number, string])[] = [
    [0, name],
    [100, octal(0o600, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(size, 12)],
    [136, octal(seconds, 12)],
    [148, '        '],
    [156, '0'],
    [257, 'ustar\0'],
    [263, '00'],
  ];
  for (const [offset, text] of fields) bytes.write(text, offset, 'latin1');
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** Writes files as a compressed tar archive. Throws if a name is too long for it. */
export function archive(files: readonly ArchiveFile[], time: Date): Buffer {
  const seconds = Math.floor(time.getTime() / 1_000);
  const parts = files.flatMap(({ name, text }) => {
    if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new Error(`"${name}" is no name for a file of an archive`);
    const content = Buffer.from(text, 'utf8');
    const padding = Buffer.alloc((block - (content.length % block)) % block);
    return [header(name, content.length, seconds), content, padding];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]));
}
