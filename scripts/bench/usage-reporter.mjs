// Preloaded into a measured process (`node --import`): answers every message of its parent with what it used so far,
// and lets it end as it would without a parent. Plain JavaScript, because the stripping of types would be measured too.

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const peakRssBytes = process.resourceUsage().maxRSS * 1_024;
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss(), peakRssBytes });
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
