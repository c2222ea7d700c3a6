/** Who has opened a stream, as proved by its token. */
export interface Caller {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly podName: string;
  readonly podUid: string;
}

/** Why a caller was not let in: a sentence for its log. */
export interface Refusal {
  readonly refused: string;
}

/** Finds out who calls by its token. */
export interface Authenticator {
  authenticate(token: string, peerAddress: string): Promise<Caller | Refusal>;
}
