import { create, createFileRegistry, fromBinary, type FileRegistry } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { readSection } from './elf-section.ts';

/** Where protoc's C++ code keeps the descriptors of all files that are linked into a program (`PROTOBUF_ATTRIBUTE_…`). */
const section = 'protodesc_cold';

/** Tag of `FileDescriptorProto.name`: field 1, a string. Every serialised file begins with it, and has it once. */
const nameTag = 0x0a;

/** Descriptors one behind the other, with zeros between them: nothing else says where one ends. */
function splitDescriptors(bytes: Buffer): FileDescriptorProto[] {
  const found: FileDescriptorProto[] = [];
  let start = bytes.indexOf(nameTag);
  while (start >= 0 && start < bytes.length) {
    const reader = new BinaryReader(bytes.subarray(start));
    do {
      const [field, type] = reader.tag();
      reader.skip(type, field);
    } while (start + reader.pos < bytes.length && ![nameTag, 0].includes(bytes[start + reader.pos] ?? 0));
    found.push(fromBinary(FileDescriptorProtoSchema, bytes.subarray(start, start + reader.pos)));
    start = bytes.indexOf(nameTag, start + reader.pos);
  }
  return found;
}

/** Each file behind those that it imports. */
function sortByImports(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const sorted = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto): void => {
    if (sorted.has(file)) return;
    for (const name of file.dependency) {
      const imported = byName.get(name);
      if (imported === undefined) throw new Error(`${file.name} imports ${name}, which the program does not have`);
      visit(imported);
    }
    sorted.add(file);
  };
  for (const file of files) visit(file);
  return [...sorted];
}

/** All message types that this Envoy can read: what it was built with, not what some release of its API says. */
export function readEnvoyTypes(binary: string): FileRegistry {
  const file = sortByImports(splitDescriptors(readSection(binary, section)));
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}
