import type { Effect, Finding } from '../finding.ts';
import { isHostHeader } from './header-changes.ts';
import type { HttpRoute } from './http-route.ts';
import { impossibleComparisons } from './impossible-match.ts';
import { checkReach } from './route-reach.ts';

/** Makes a finding about a field of one route. */
type Say = (effect: Effect, code: string, field: string, sentence: string) => Finding;

function contradictions(route: HttpRoute, say: Say): Finding[] {
  const { redirect, directResponse } = route;
  const refused = (field: string, sentence: string): Finding => say('refused', 'Contradiction', field, sentence);
  const answers = redirect === undefined ? 'directResponse' : 'redirect';
  const isAnswered = redirect !== undefined || directResponse !== undefined;
  const others = (['route', 'rewrite', 'fault', 'timeout', 'retries', 'mirror', 'mirrors'] as const).filter((name) =>
    name === 'route' ? (route.route ?? []).length > 0 : route[name] !== undefined,
  );
  return [
    ...(redirect !== undefined && directResponse !== undefined
      ? [refused('/directResponse', 'stands beside redirect; allowed: one of route, redirect and directResponse')]
      : []),
    ...(isAnswered
      ? others.map((name) =>
          ['route', 'rewrite', 'fault'].includes(name)
            ? refused(`/${name}`, `stands beside ${answers}, which answers the request itself; leave one of them out`)
            : say(
                'warning',
                'NoEffect',
                `/${name}`,
                `has no effect beside ${answers}, which answers the request itself`,
              ),
        )
      : []),
    ...(!isAnswered && (route.route ?? []).length === 0
      ? [refused('', 'has nothing to do; allowed: one of route, redirect and directResponse')]
      : []),
    ...(route.mirror !== undefined && (route.mirrors ?? []).length > 0
      ? [refused('/mirrors', 'stands beside mirror; allowed: one of them')]
      : []),
  ];
}

function checkShares({ route = [] }: HttpRoute, say: Say): Finding[] {
  const sum = route.reduce((total, { weight = 0 }) => total + weight, 0);
  const hasShares = route.length > 1 ? sum > 0 && sum < 2 ** 32 : true;
  return [
    ...(hasShares
      ? []
      : [say('refused', 'InvalidValue', '/route', `the weights make ${sum}; allowed: from 1 to 4294967295 together`)]),
    ...(route.length === 1 && route[0]?.weight === 0
      ? [
          say(
            'warning',
            'NoEffect',
            '/route/0/weight',
            '0 has no effect: the only destination of a route gets all requests',
          ),
        ]
      : []),
  ];
}

function checkTries({ timeout = 0, retries }: HttpRoute, say: Say): Finding[] {
  const { attempts = 0, perTryTimeout = 0 } = retries ?? {};
  if (attempts === 0 || timeout === 0 || perTryTimeout < timeout) return [];
  const sentence = 'is not shorter than the timeout of the route: a try that is slow is the last one; make it shorter';
  return [say('warning', 'NoEffect', '/retries/perTryTimeout', sentence)];
}

function checkRetries({ retries }: HttpRoute, say: Say): Finding[] {
  if (retries === undefined || (retries.attempts ?? 0) > 0) return [];
  const names = ['perTryTimeout', 'retryOn', 'backoff', 'retryIgnorePreviousHosts', 'retryRemoteLocalities'] as const;
  const given = names.filter((name) => retries[name] !== undefined);
  return given.length === 0
    ? []
    : [
        say(
          'refused',
          'Contradiction',
          '/retries',
          `attempts is 0, which means no retries, beside ${given.join(', ')}; give the number of retries, or leave the others out`,
        ),
      ];
}

function prefixes(route: HttpRoute): readonly string[] {
  const matches = route.match ?? [];
  if (matches.length === 0) return ['/'];
  return matches.flatMap(({ uri }) => {
    if (uri === undefined || uri.type === 'present') return ['/'];
    return uri.type === 'prefix' ? [uri.value] : [];
  });
}

function checkRewrite(route: HttpRoute, say: Say): Finding[] {
  const { rewrite, redirect } = route;
  const host = Object.keys({ ...route.headers?.request?.set, ...route.headers?.request?.add }).filter(isHostHeader);
  const findings: Finding[] = [];
  if (rewrite !== undefined) {
    const uri = rewrite.uri ?? '';
    if (uri === '' && rewrite.uriRegexRewrite === undefined && rewrite.authority === undefined) {
      findings.push(
        say('refused', 'InvalidValue', '/rewrite', 'is empty; allowed: uri or uriRegexRewrite, and authority'),
      );
    }
    if (uri !== '' && rewrite.uriRegexRewrite !== undefined) {
      findings.push(say('refused', 'Contradiction', '/rewrite', 'has uri and uriRegexRewrite; allowed: one of them'));
    }
    const trap = uri === '' ? undefined : prefixes(route).find((prefix) => prefix.endsWith('/') !== uri.endsWith('/'));
    if (trap !== undefined) {
      const asked = trap.endsWith('/') ? `${trap}b` : `${trap}/b`;
      const becomes = `${uri}${asked.slice(trap.length)}`;
      const remedy = uri === '/' ? `add a match of "${trap}/" before it` : 'let both or none of them end with /';
      findings.push(
        say(
          'warning',
          'RewriteTrap',
          '/rewrite/uri',
          `"${uri}" takes the place of "${trap}" letter by letter: ${asked} becomes ${becomes}; ${remedy}`,
        ),
      );
    }
  }
  if (host.length + Number(rewrite?.authority !== undefined) > 1) {
    findings.push(say('refused', 'Contradiction', '', 'sets the Host header more than once; leave one of them'));
  }
  if (redirect?.prefixRewrite !== undefined) {
    if (redirect.uri !== undefined) {
      findings.push(say('refused', 'Contradiction', '/redirect', 'has uri and prefixRewrite; allowed: one of them'));
    }
    if ((route.match ?? []).some(({ uri }) => uri !== undefined && uri.type !== 'prefix')) {
      findings.push(
        say(
          'refused',
          'Contradiction',
          '/redirect/prefixRewrite',
          'needs match.uri to be a prefix in all blocks of match',
        ),
      );
    }
  }
  if (redirect?.port !== undefined && redirect.derivePort !== undefined) {
    findings.push(say('refused', 'Contradiction', '/redirect', 'has port and derivePort; allowed: one of them'));
  }
  if (
    redirect !== undefined &&
    Object.entries(redirect).every(([name, value]) => name === 'redirectCode' || value === undefined)
  ) {
    findings.push(
      say(
        'refused',
        'InvalidValue',
        '/redirect',
        'leads to the same address; allowed: one of uri, prefixRewrite, authority, scheme, port and derivePort',
      ),
    );
  }
  return findings;
}

function checkFault({ fault }: HttpRoute, say: Say): Finding[] {
  if (fault === undefined) return [];
  const { delay, abort } = fault;
  const findings: Finding[] = [];
  if (delay === undefined && abort === undefined) {
    findings.push(say('refused', 'InvalidValue', '/fault', 'is empty; allowed: delay and abort'));
  }
  const noShare = 'has no percentage, which means 0: nothing happens; add percentage: {value: 100} for all requests';
  if (delay !== undefined) {
    if (delay.fixedDelay === undefined) {
      findings.push(say('warning', 'NoEffect', '/fault/delay', 'has no fixedDelay: nothing happens; add it'));
    } else if ((delay.percentage ?? delay.percent ?? 0) === 0) {
      findings.push(say('warning', 'NoEffect', '/fault/delay', noShare));
    }
    if (delay.percent !== undefined) {
      findings.push(say('warning', 'Deprecated', '/fault/delay/percent', 'is old; use percentage: {value: …}'));
    }
  }
  if (abort !== undefined) {
    if (abort.httpStatus !== undefined && abort.grpcStatus !== undefined) {
      findings.push(
        say('refused', 'Contradiction', '/fault/abort', 'has httpStatus and grpcStatus; allowed: one of them'),
      );
    }
    if (abort.httpStatus === undefined && abort.grpcStatus === undefined) {
      findings.push(
        say('warning', 'NoEffect', '/fault/abort', 'has no status: nothing happens; add httpStatus or grpcStatus'),
      );
    } else if ((abort.percentage ?? 0) === 0) {
      findings.push(say('warning', 'NoEffect', '/fault/abort', noShare));
    }
  }
  return findings;
}

function checkOld(route: HttpRoute, say: Say): Finding[] {
  const { corsPolicy } = route;
  const old = (field: string, better: string): Finding => say('warning', 'Deprecated', field, `is old; use ${better}`);
  return [
    ...(route.mirrorPercent === undefined ? [] : [old('/mirrorPercent', 'mirrorPercentage: {value: …}')]),
    ...(corsPolicy?.allowOrigin === undefined ? [] : [old('/corsPolicy/allowOrigin', 'allowOrigins: [{exact: …}]')]),
    ...(route.mirror === undefined
      ? (['mirrorPercentage', 'mirrorPercent'] as const)
          .filter((name) => route[name] !== undefined)
          .map((name) => say('warning', 'NoEffect', `/${name}`, 'has no effect without mirror'))
      : []),
  ];
}

function checkMatches({ match = [] }: HttpRoute, say: Say): Finding[] {
  return match.flatMap((block, index): Finding[] => {
    const { uri, ignoreUriCase, gateways = [], sourceLabels, sourceNamespace, statPrefix } = block;
    const at = `/match/${index}`;
    return [
      ...impossibleComparisons(block).map(([field, sentence]) => say('warning', 'NeverFits', at + field, sentence)),
      ...(ignoreUriCase === true && uri?.type === 'regex'
        ? [
            say(
              'warning',
              'NoEffect',
              `${at}/ignoreUriCase`,
              'has no effect on a regular expression; begin it with (?i)',
            ),
          ]
        : []),
      ...(statPrefix === undefined
        ? []
        : [
            say(
              'warning',
              'NoEffect',
              `${at}/statPrefix`,
              'has no effect: proxies keep no statistics of single routes',
            ),
          ]),
      ...(gateways.length > 0 && (sourceLabels !== undefined || sourceNamespace !== undefined)
        ? [
            say(
              'warning',
              'NoEffect',
              `${at}/gateways`,
              'sourceLabels and sourceNamespace are not looked at beside gateways; leave gateways out',
            ),
          ]
        : []),
    ];
  });
}

/** Returns what is to be said of the routes of a VirtualService: fields that contradict each other, or have no effect. */
export function checkRoutes(routes: readonly HttpRoute[]): readonly Finding[] {
  if (routes.length === 0) {
    return [{ field: '/spec', effect: 'refused', code: 'NoRoutes', sentence: 'there are no routes; add http' }];
  }
  const checks = [
    contradictions,
    checkShares,
    checkRetries,
    checkTries,
    checkMatches,
    checkRewrite,
    checkFault,
    checkOld,
  ];
  return [
    ...routes.flatMap((route, index) => {
      const say: Say = (effect, code, field, sentence) => ({
        field: `/spec/http/${index}${field}`,
        effect,
        code,
        sentence,
      });
      return checks.flatMap((check) => check(route, say));
    }),
    ...checkReach(routes),
  ];
}
