/** The damage of a data directory. Paths are relative to it. */
export type Damage = FileMissing | FileTruncated | FileUnreadable | LogEndsEarly | IndexDamaged;

export interface FileMissing {
  readonly kind: "missing";
  readonly path: string;
}

export interface FileTruncated {
  readonly kind: "truncated";
  readonly path: string;
  readonly bytes: number;
  readonly expectedBytes: number;
}

/** The file exists, but it cannot be read, or its checksum or form is wrong. */
export interface FileUnreadable {
  readonly kind: "unreadable";
  readonly path: string;
}

/**
 * The write-ahead log is readable only up to `endsAt`. `neededUntil` is the acknowledged position or the last
 * checkpoint, whichever is later. Crash recovery would lose the commits between the two without an error.
 */
export interface LogEndsEarly {
  readonly kind: "log_ends_early";
  readonly endsAt: string;
  readonly neededUntil: string;
}

/** An index contradicts its table or itself. amcheck found this after the start. */
export interface IndexDamaged {
  readonly kind: "index_damaged";
  readonly index: string;
  readonly detail: string;
}
