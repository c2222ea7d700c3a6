import { closeSync, openSync, readSync } from 'node:fs';

/** A section's place, and where its name is among the names of sections. */
interface SectionHeader {
  readonly nameAt: number;
  readonly offset: number;
  readonly size: number;
}

/** Length of a header of a file and of a section, 64 bits (System V ABI, "ELF-64 Object File Format"). */
const lengths = { file: 64, section: 64 } as const;

function headerAt(table: Buffer, start: number): SectionHeader {
  return {
    nameAt: table.readUInt32LE(start),
    offset: Number(table.readBigUInt64LE(start + 24)),
    size: Number(table.readBigUInt64LE(start + 32)),
  };
}

function nameIn(names: Buffer, start: number): string {
  return names.toString('latin1', start, names.indexOf(0, start));
}

/**
 * The bytes of one section of a 64-bit little-endian ELF file; the rest of the file is not read.
 *
 * @throws when the file is of another format, or has no such section
 */
export function readSection(file: string, wanted: string): Buffer {
  const handle = openSync(file, 'r');
  const read = (offset: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    if (readSync(handle, bytes, 0, length, offset) !== length) throw new Error(`${file} ends before its sections`);
    return bytes;
  };
  try {
    const header = read(0, lengths.file);
    // Magic number, class (64 bits), data (little-endian).
    if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') {
      throw new Error(`${file} is no 64-bit little-endian ELF file`);
    }
    const count = header.readUInt16LE(60);
    const table = read(Number(header.readBigUInt64LE(40)), count * lengths.section);
    const sections = Array.from({ length: count }, (_, index) => headerAt(table, index * lengths.section));
    const namesHeader = sections[header.readUInt16LE(62)];
    if (namesHeader === undefined) throw new Error(`${file} has no names of sections`);
    const names = read(namesHeader.offset, namesHeader.size);
    const found = sections.find(({ nameAt }) => nameIn(names, nameAt) === wanted);
    if (found === undefined) throw new Error(`${file} has no section ${wanted}`);
    return read(found.offset, found.size);
  } finally {
    closeSync(handle);
  }
}
