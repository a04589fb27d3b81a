const MIB = 1_048_576;
const SECOND_MS = 1000;

/** The bounds of the server. Tests lower them. */
export interface ServerLimits {
  /** Concurrent requests of all clients. */
  readonly maxRunning: number;
  /** Concurrent requests of one client address, until their responses have been sent. */
  readonly maxRequestsPerAddress: number;
  /** Bytes of incomplete request bodies. */
  readonly maxUploadBytes: number;
  readonly maxUploadBytesPerAddress: number;
  /** Bytes of responses that clients have not read yet. */
  readonly maxUnsentBytes: number;
  readonly maxUnsentBytesPerAddress: number;
  /** A client that reads no byte of its response for this time is disconnected. */
  readonly stalledAfterMs: number;
  /** How long the rest of a request is read and discarded after an early response: without a byte, and in total. */
  readonly lingerIdleMs: number;
  readonly lingerMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  // One more would wait longer than its client does. Refusing it is cheap, so the others are served as before.
  maxRunning: 256,
  // A quarter, so that no client can occupy the server. A request takes about 10 ms, so an office behind one address
  // (NAT) still gets thousands of requests a second.
  maxRequestsPerAddress: 64,
  maxUploadBytes: 256 * MIB,
  // Ten uploads of the largest post.
  maxUploadBytesPerAddress: 64 * MIB,
  // As much as for uploads. A response has about 1 MiB, so each address may leave some 64 pages unread.
  maxUnsentBytes: 256 * MIB,
  maxUnsentBytesPerAddress: 64 * MIB,
  // A client on a bad mobile connection reads some bytes within this time.
  stalledAfterMs: 30 * SECOND_MS,
  // The defaults of nginx (lingering_timeout, lingering_time).
  lingerIdleMs: 5 * SECOND_MS,
  lingerMs: 30 * SECOND_MS,
};
