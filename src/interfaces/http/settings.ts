/** The only entry of a list of origins that allows all of them. */
export const ANY_ORIGIN = "*";

/** The settings of the API. */
export interface HttpSettings {
  /** Whether editing or deleting a post requires If-Match (RFC 6585, 3). */
  readonly requireIfMatch: boolean;
  /** The origins whose pages may read answers, written as in the Origin header, or {@link ANY_ORIGIN}. */
  readonly corsOrigins: readonly string[];
  /** The units per minute of one address, and of one account; 0 means no limit. */
  readonly requestsPerMinute: number;
  /** The log-in attempts per minute of one address as one user; 0 means no limit. */
  readonly logInsPerMinute: number;
  /**
   * The URL of the API for its clients, without a trailing slash; `null` if it is the root of the host. A proxy strips the path of
   * this URL from requests, and the API prepends it to the paths in its answers.
   */
  readonly publicUrl: string | null;
  /** Whether the log has the client's address, which is personal data in many countries. */
  readonly logsClientAddress: boolean;
  /** The time limit of a request. */
  readonly requestTimeoutMs: number;
}
