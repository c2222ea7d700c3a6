import { inflateSync } from 'node:zlib';

const headBytes = 5;

/** Returns a function that takes chunks of a gRPC body, and calls `take` with each message that is complete, and how long it was. */
export function messageReader(take: (message: Buffer, wireBytes: number) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted = headBytes;
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    // Chunks are put together once for a message, not for every chunk.
    while (size >= wanted) {
      const all = Buffer.concat(chunks);
      wanted = headBytes + all.readUInt32BE(1);
      chunks = [all];
      if (size < wanted) return;
      const message = all.subarray(headBytes, wanted);
      take(all[0] === 1 ? inflateSync(message) : message, message.length);
      chunks = [all.subarray(wanted)];
      size -= wanted;
      wanted = headBytes;
    }
  };
}
