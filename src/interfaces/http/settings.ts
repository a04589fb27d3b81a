/** Among the origins it stands for all of them, and stands alone. */
export const ANY_ORIGIN = "*";

/** What the operator decides about the API. */
export interface HttpSettings {
  /** Whether who edits or deletes a post must say by If-Match which version of it (RFC 6585, 3). */
  readonly requireIfMatch: boolean;
  /** The origins whose pages may read answers, as browsers send them, or {@link ANY_ORIGIN}. */
  readonly corsOrigins: readonly string[];
  /** How many units requests may take in a minute from one address, and by one account; 0 for any number. */
  readonly requestsPerMinute: number;
  /** How often somebody at one address may try to prove to be the same user in a minute; 0 for any number. */
  readonly logInsPerMinute: number;
  /**
   * Where clients reach the API, without a slash at its end; `null` where they reach it at the root of whatever they ask.
   * A proxy takes its path away from requests, and the API puts it before the paths in its answers.
   */
  readonly publicUrl: string | null;
  /** Whether the log says from which address a request comes, which is personal data in many countries. */
  readonly logsClientAddress: boolean;
  /** How long a request may take. */
  readonly requestTimeoutMs: number;
}
