import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/** Memory of this process, in bytes: what is in use, and how much there may be. */
interface Memory {
  readonly heap: { readonly used: number; readonly most: number };
  /** All of the process. Bytes of resources are outside of the heap. */
  readonly whole: { readonly used: number; readonly most: number };
}

/** From this share on, more streams could end the process, and with it all that are open. */
const fullShare = 0.9;

/** Memory of the container; without a limit, that of the machine. */
function allowedMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

function memoryNow(): Memory {
  const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics();
  return { heap: { used, most }, whole: { used: process.memoryUsage.rss(), most: allowedMemory() } };
}

/** Returns whether this process has too little memory left for more streams. */
export function isMemoryFull({ heap, whole }: Memory = memoryNow()): boolean {
  return [heap, whole].some(({ used, most }) => used > fullShare * most);
}
