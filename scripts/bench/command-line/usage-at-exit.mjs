// Preloaded into a measured process (`node --import`): writes down what it used when it ends. Plain JavaScript, because the
// stripping of types would be measured too.
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  const usage = { cpuMicros: user + system, mostBytes: process.resourceUsage().maxRSS * 1_024 };
  writeFileSync(process.env.USAGE_FILE, JSON.stringify(usage));
});
