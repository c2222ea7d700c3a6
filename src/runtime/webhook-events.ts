import { hostname } from 'node:os';
import type { Reviewed } from '../admission/handler.ts';
import type { CertificateEvent } from '../certs/events.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createEventQueue, defaultEventLimits } from './event-queue.ts';
import { tellOwner, type OwnerNotice } from './owner-events.ts';
import { certificateNotice, expiryNotice, refusalNotice } from './own-notices.ts';
import { every } from './pace.ts';
import { noticeOf } from './review-notice.ts';

interface Options {
  readonly client: Pick<ApiClient, 'post'>;
  /** Whether the settings in use want Events. */
  readonly isEnabled: () => boolean;
  /** Why the files on disk are not what is in use. */
  readonly refused: () => readonly string[];
  /** End of the certificate in use; undefined before there is one. */
  readonly notAfter: () => Date | undefined;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'events'>;
}

/** Events of the webhook, on owners of pods and on its own Deployment. */
export interface WebhookEvents {
  reviewed(review: Reviewed & { readonly status: 200 }): void;
  certificate(event: CertificateEvent): void;
  stop(): void;
}

/** How often files and certificate are looked at. */
const lookMs = 5_000;

/** Starts to create Events. */
export function startWebhookEvents(options: Options): WebhookEvents {
  const { client, log, metrics } = options;
  const clock = (): Date => new Date();
  const source = { client, controller: 'sidecar-injector.io/webhook', replica: hostname(), clock, log };
  const queue = createEventQueue({
    limits: defaultEventLimits,
    send: (notice) => tellOwner(notice, source),
    onResult: (result) => metrics.events.inc({ result }),
    nowMs: () => performance.now(),
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds).unref();
      return () => clearTimeout(timer);
    },
  });

  function add(notice: OwnerNotice | undefined): void {
    if (notice !== undefined && options.isEnabled()) queue.add(notice);
  }

  const end = every(lookMs, () => {
    const notAfter = options.notAfter();
    add(refusalNotice(options.refused(), clock()));
    if (notAfter !== undefined) add(expiryNotice(notAfter, clock()));
  });
  return {
    reviewed(review) {
      if (options.isEnabled()) add(noticeOf(review));
    },
    certificate: (event) => add(certificateNotice(event, clock())),
    stop() {
      end();
      queue.stop();
    },
  };
}
