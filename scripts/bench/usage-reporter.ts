// Preloaded into a measured process (`node --import`): answers every message of its parent with what it used so far,
// and lets it end as it would without a parent.

/** What a process has used since it started. */
export interface Usage {
  /** Of all its threads, user and system time. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const usage: Usage = { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
  process.send?.(usage);
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
