const MIB = 1_048_576;
const SECOND_MS = 1000;

/** The bounds of the server. Tests lower them to reach them. */
export interface ServerLimits {
  /** Requests that are worked on at a time, over all clients. */
  readonly maxRunning: number;
  /** Requests of one client address that have not been answered whole. */
  readonly maxRequestsPerAddress: number;
  /** Bytes of request bodies that are not whole yet. */
  readonly maxUploadBytes: number;
  readonly maxUploadBytesPerAddress: number;
  /** Bytes of answers that clients have not taken yet. */
  readonly maxUnsentBytes: number;
  readonly maxUnsentBytesPerAddress: number;
  /** A client that takes no byte of its answer for so long is disconnected. */
  readonly stalledAfterMs: number;
  /** How long the rest of a request is read and thrown away after its early answer: without a byte, and in all. */
  readonly lingerIdleMs: number;
  readonly lingerMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  // One more would wait longer than its client, and refusing it costs so little that the others are served as before.
  maxRunning: 256,
  // A quarter, so that no client takes the server from the others. A request takes some 10 ms, so an office behind one
  // address (NAT) still has thousands of requests a second.
  maxRequestsPerAddress: 64,
  maxUploadBytes: 256 * MIB,
  // Ten of the largest posts at a time.
  maxUploadBytesPerAddress: 64 * MIB,
  // As much as uploads may take. An answer has about 1 MiB, and at most that and one of the largest posts, so each address
  // may leave 64 pages unread.
  maxUnsentBytes: 256 * MIB,
  maxUnsentBytesPerAddress: 64 * MIB,
  // A client on a bad mobile connection takes some bytes within this time.
  stalledAfterMs: 30 * SECOND_MS,
  // As nginx has them (lingering_timeout, lingering_time).
  lingerIdleMs: 5 * SECOND_MS,
  lingerMs: 30 * SECOND_MS,
};
