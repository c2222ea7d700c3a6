import type { MtlsMode } from '../rules/security/peer-authentication.ts';
import { modeOf, modesFrom, textOfModes, type PeerModes } from './peer-modes.ts';

/** What a change waits for, in order. */
export const modeSteps = ['opening', 'clients', 'closing', 'draining'] as const;

/** One of these. */
export type ModeStep = (typeof modeSteps)[number];

/**
 * How far a pod is on the way to other modes. Its proxy takes both first, then its clients change, and only then does it refuse what they no
 * longer send. So no order of events loses a request, and a mode is in force after the last step.
 */
export interface ModeChange {
  /** What the objects say. */
  readonly target: PeerModes;
  /** What its proxy takes. */
  readonly served: PeerModes;
  /** By which its clients call it: in plain text where it is `DISABLE`, else by mutual TLS. */
  readonly called: PeerModes;
  /**
   * Who has to acknowledge what is new: its own proxy that takes both, the proxies of its clients, or its own that takes what it should.
   * Then it waits for the end of connections that are not taken any more.
   */
  readonly waitsFor: ModeStep;
}

function portsOf(...all: readonly PeerModes[]): readonly number[] {
  return [...new Set(all.flatMap(({ ports }) => [...ports.keys()]))];
}

function callsByTls(mode: MtlsMode): boolean {
  return mode !== 'DISABLE';
}

/** Returns a mode that takes what is called now and what will be, and that opens nothing that is closed before and after. */
function between(served: MtlsMode, called: MtlsMode, target: MtlsMode): MtlsMode {
  return served === target && callsByTls(called) === callsByTls(target) ? target : 'PERMISSIVE';
}

/** Begins to lead a pod to other modes, also when it is on its way already. Undefined if it is there. */
export function beginChange(now: Pick<ModeChange, 'served' | 'called'>, target: PeerModes): ModeChange | undefined {
  const text = textOfModes(target);
  if (textOfModes(now.served) === text && textOfModes(now.called) === text) return undefined;
  const ports = portsOf(now.served, now.called, target);
  const served = modesFrom(
    between(now.served.base, now.called.base, target.base),
    ports.map((port) => [port, between(modeOf(now.served, port), modeOf(now.called, port), modeOf(target, port))]),
  );
  return { target, served, called: now.called, waitsFor: 'opening' };
}

/** Takes the next step, after what the change waits for has been acknowledged. Undefined if that was the last. */
export function nextStep(change: ModeChange): ModeChange | undefined {
  const { target } = change;
  switch (change.waitsFor) {
    case 'opening':
      return { ...change, called: target, waitsFor: 'clients' };
    case 'clients':
      // Where nothing is to be closed, it is there.
      return textOfModes(change.served) === textOfModes(target)
        ? undefined
        : { ...change, served: target, waitsFor: 'closing' };
    case 'closing':
      return { ...change, waitsFor: 'draining' };
    case 'draining':
      return undefined;
  }
}
