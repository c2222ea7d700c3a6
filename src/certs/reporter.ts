import type { CertificateEvent, CertificateEventCode, OnCertificateEvent } from './events.ts';

/** Reports events, and remembers the active conditions so that each is reported once instead of in every round. */
export interface Reporter {
  /** Reports a single event. */
  report(event: CertificateEvent): void;
  /**
   * Marks a condition as active. It is reported again only when its sentence changes.
   *
   * @param subject separates conditions of one code that come and go independently
   */
  raise(code: CertificateEventCode, detail: string, subject?: string): void;
  /** Ends a condition; does nothing if it is not active. */
  clear(code: CertificateEventCode, subject?: string): void;
  hasConditions(): boolean;
  /** The sentences of all active conditions, oldest first; undefined if there are none. */
  conditions(): string | undefined;
}

/** Creates a reporter without active conditions. */
export function createReporter(onEvent: OnCertificateEvent): Reporter {
  const active = new Map<string, string>();
  const keyOf = (code: CertificateEventCode, subject = ''): string => `${code} ${subject}`;
  return {
    report: onEvent,
    raise(code, detail, subject) {
      const key = keyOf(code, subject);
      if (active.get(key) === detail) return;
      active.set(key, detail);
      onEvent({ code, detail });
    },
    clear(code, subject) {
      active.delete(keyOf(code, subject));
    },
    hasConditions: () => active.size > 0,
    conditions: () => (active.size === 0 ? undefined : [...active.values()].join('; ')),
  };
}
