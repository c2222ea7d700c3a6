import { jitless } from './without-eval.ts';
import { reply, type Asked } from '../exchange.ts';

if (jitless !== true) throw new Error('the schemas would make code from text');

addEventListener('message', ({ data }: MessageEvent<{ readonly id: number; readonly asked: Asked }>) => {
  try {
    postMessage({ id: data.id, reply: reply(data.asked) });
  } catch (error) {
    postMessage({ id: data.id, defect: error instanceof Error ? error.message : String(error) });
  }
});
