import type { Edit } from './edit.ts';

const evictions = { file: 'src/audit/evictions.ts', tests: ['test/unit/audit/evictions.test.ts'] };
const lease = { file: 'src/kubernetes/lease.ts', tests: ['test/unit/kubernetes/lease.test.ts'] };

const renewal = { file: 'src/injection/renewal.ts', tests: ['test/unit/audit/pod-record.test.ts'] };

const looks = { file: 'src/runtime/namespace-looks.ts', tests: ['test/unit/runtime/pod-watch.test.ts'] };

/** What keeps the auditor from doing harm: whose pods it evicts, how many, and that only one replica does. */
export const auditor: readonly Edit[] = [
  {
    protects: 'one eviction at a time',
    ...evictions,
    text: 'if (underWay !== undefined || nowMs - lastMs < policy.everyMs) return undefined;',
    replacement: 'if (nowMs - lastMs < policy.everyMs) return undefined;',
  },
  {
    protects: 'time between two evictions',
    ...evictions,
    text: ' || nowMs - lastMs < policy.everyMs) return undefined;',
    replacement: ') return undefined;',
  },
  {
    protects: 'the breaker',
    ...evictions,
    text: '      if (open !== undefined && nowMs < open.untilMs) return undefined;\n',
    replacement: '',
  },
  {
    protects: 'an owner whose new pods are no better is left alone',
    ...evictions,
    text: ' &&\n      (failing.get(key)?.untilMs ?? nowMs) <= nowMs',
    replacement: '',
  },
  {
    protects: 'only pods that a controller makes anew',
    ...evictions,
    text: '      isReplaced &&\n',
    replacement: '',
  },
  {
    protects: 'a new pod has to run before it counts',
    ...evictions,
    text: "return record.isRunning ? end('replaced', nowMs) : undefined;",
    replacement: "return end('replaced', nowMs);",
  },
  {
    protects: 'a pod that was there before proves nothing',
    ...evictions,
    text: ' || underWay.before.has(record.uid)',
    replacement: '',
  },
  {
    protects: 'another name of the same pod is not evicted',
    file: 'src/kubernetes/eviction.ts',
    tests: ['test/unit/kubernetes/eviction.test.ts'],
    text: '      deleteOptions: { preconditions: { uid } },\n',
    replacement: '',
  },
  {
    protects: 'a leader that lives is not followed',
    ...lease,
    text: "if (holder === '' || holder === candidate) return true;",
    replacement: "if (holder !== 'nobody') return true;",
  },
  {
    protects: 'a leader that cannot renew gives up before others take over',
    ...lease,
    text: 'return renewedMs !== undefined && nowMs() - renewedMs < policy.renewMs;',
    replacement: 'return renewedMs !== undefined;',
  },
  {
    protects: 'no more than a page of pods is held',
    file: 'src/kubernetes/watcher.ts',
    tests: ['test/unit/kubernetes/watcher.test.ts'],
    text: 'if (options.pageSize === undefined) held.push(...items);',
    replacement: 'if (options.pageSize !== 0) held.push(...items);',
  },
  {
    protects: 'a list of a namespace does not take back what the watch has told meanwhile',
    ...looks,
    text: 'onPods(pods.filter(({ key }) => !look.touched.has(key)));',
    replacement: 'onPods(pods);',
  },
  {
    protects: 'a list of a namespace that fails is tried again',
    ...looks,
    text: '      wanted.add(namespace);\n',
    replacement: '',
  },
  {
    protects: 'what is known is shown while all pods are judged anew',
    file: 'src/runtime/pod-watch.ts',
    tests: ['test/unit/runtime/pod-watch.test.ts'],
    text: '    roster: () => shown,\n',
    replacement: '    roster: () => round?.roster ?? shown,\n',
  },
  {
    protects: 'what is remembered of reviews has a limit, however long names are',
    file: 'src/runtime/review-notice.ts',
    tests: ['test/unit/runtime/webhook-notices.test.ts'],
    text: ' || ownerKey(owner).length + revision.length > longestNames',
    replacement: '',
  },
  {
    protects: 'Events wait in a queue with a limit',
    file: 'src/runtime/event-queue.ts',
    tests: ['test/unit/runtime/event-queue.test.ts'],
    text: "      if (waiting.length >= limits.waiting) return onResult('dropped');\n",
    replacement: '',
  },
  {
    protects: 'a dry run makes no Event',
    file: 'src/runtime/review-notice.ts',
    tests: ['test/unit/runtime/webhook-notices.test.ts'],
    text: 'request.dryRun || ',
    replacement: '',
  },
  {
    protects: 'outdated is what a new pod would not be',
    ...renewal,
    text: ' && covers(stored, wanted.map(decisive));',
    replacement: ';',
  },
  {
    protects: 'what other webhooks change in our containers makes no pod outdated',
    ...renewal,
    text: 'isByOthers ? itsName : whole',
    replacement: 'whole',
  },
  {
    protects: 'a pod is outdated by what its namespace says now',
    ...renewal,
    file: 'src/injection/inputs.ts',
    text: ', variant, annotations]',
    replacement: ', variant]',
  },
  {
    protects: 'a pod whose successor would have no sidecar is not created anew',
    ...renewal,
    text: 'if (!asked.called) {',
    replacement: 'if (!asked) {',
    tests: ['test/unit/cli/rollout.test.ts'],
  },
  {
    protects: 'a forged record is an answer and no exception',
    ...renewal,
    file: 'src/injection/patch/undo.ts',
    text: '  } catch {\n    return undefined;\n',
    replacement: '  } catch (error) {\n    throw error;\n',
  },
];
