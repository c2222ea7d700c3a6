import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, print, remark, report, usageFailure, type Failure, type Io } from '../../io.ts';
import { inCluster } from './cluster.ts';
import type { RestartOptions } from './options.ts';
import { planRestarts, restartAll, type Clock, type LeftAlone, type RestartFailure } from './restart.ts';
import { surveyOwners } from './survey.ts';

const clock: Clock = { now: () => new Date(), sleep: (milliseconds) => sleep(milliseconds) };

function describe({ target, progress, remaining }: RestartFailure): Failure {
  const what = progress.state === 'failed' ? 'has failed' : 'is not available again in time';
  return {
    problems: [`${target.name} ${what}: ${progress.text}; ${remaining} more were not restarted`],
    remedy:
      'look at its pods and events; to go back, give the variant a share of 0 (sidecar-injector rollout set), and run this again',
    code: exitCodes.failed,
  };
}

/** Runs `rollout restart` and returns its exit code. */
export async function runRestart(options: RestartOptions, io: Io): Promise<number> {
  if (options.outdated !== true) {
    const remedy = 'add --outdated: workloads with pods that would be injected otherwise now; others are left alone';
    return report(usageFailure('it is not said which workloads to restart', remedy), io);
  }
  return inCluster(options, io, async (client, cluster, injector) => {
    const plan = await planRestarts(client, await surveyOwners(client, cluster, injector, options.namespace));
    const left: LeftAlone[] = [];
    const leave = (workload: LeftAlone): void => {
      left.push(workload);
      remark([`left alone: ${workload.name}: ${workload.why}`], io);
    };
    plan.left.forEach(leave);
    const unfinished = (): number => (left.length > 0 ? exitCodes.different : exitCodes.fine);
    if (options.dryRun === true || plan.targets.length === 0) {
      const lines = plan.targets.map(({ name, outdated, pods }) => `${name}: ${outdated} of ${pods} pods are outdated`);
      print(lines.length === 0 ? ['no workload is to be restarted'] : lines, io);
      return options.dryRun === true && plan.targets.length > 0 ? exitCodes.different : unfinished();
    }
    const pace = { intervalMs: options.interval, timeoutMs: options.timeout };
    const failure = await restartAll(client, plan.targets, pace, clock, {
      restarted: (text) => print([text], io),
      left: leave,
    });
    return failure === undefined ? unfinished() : describe(failure);
  });
}
