import type { CertificateEvent, CertificateEventCode, OnCertificateEvent } from './events.ts';

/** Tells events, and remembers which conditions last, so that each is told once and not in every round. */
export interface Reporter {
  /** Something that happened at this moment. */
  tell(event: CertificateEvent): void;
  /**
   * A condition began or goes on; told again only when its sentence changes.
   *
   * @param about tells apart conditions of one code that come and go on their own
   */
  raise(code: CertificateEventCode, detail: string, about?: string): void;
  /** The condition is over; does nothing when there was none. */
  over(code: CertificateEventCode, about?: string): void;
  isTroubled(): boolean;
  /** The sentences of all conditions that last, the oldest first. */
  trouble(): string | undefined;
}

export function createReporter(onEvent: OnCertificateEvent): Reporter {
  const lasting = new Map<string, string>();
  const keyOf = (code: CertificateEventCode, about = ''): string => `${code} ${about}`;
  return {
    tell: onEvent,
    raise(code, detail, about) {
      const key = keyOf(code, about);
      if (lasting.get(key) === detail) return;
      lasting.set(key, detail);
      onEvent({ code, detail });
    },
    over(code, about) {
      lasting.delete(keyOf(code, about));
    },
    isTroubled: () => lasting.size > 0,
    trouble: () => (lasting.size === 0 ? undefined : [...lasting.values()].join('; ')),
  };
}
