import './without-eval.ts';
import { reply, type Asked } from '../exchange.ts';

addEventListener('message', ({ data }: MessageEvent<{ readonly id: number; readonly asked: Asked }>) => {
  try {
    postMessage({ id: data.id, reply: reply(data.asked) });
  } catch (error) {
    postMessage({ id: data.id, defect: error instanceof Error ? error.message : String(error) });
  }
});
