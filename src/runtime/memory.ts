import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/** Whether more streams could end the process, and with it all that are open. Bytes of resources are outside of the heap. */
export function isMemoryFull(): boolean {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used > 0.9 * limit || process.memoryUsage.rss() > 0.9 * allowedMemory();
}

/** Memory of the container; without a limit, that of the machine. */
function allowedMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}
