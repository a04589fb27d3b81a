/** What is wrong with the files of a data directory; a path is relative to it. */
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

/** The file is there, and the disk does not give it or it does not hold what it must, by its checksum or its form. */
export interface FileUnreadable {
  readonly kind: "unreadable";
  readonly path: string;
}

/**
 * The write-ahead log can be read up to `endsAt` only. `neededUntil` is the later of the acknowledged position and the
 * last checkpoint: recovery would give up what was committed between them, without an error.
 */
export interface LogEndsEarly {
  readonly kind: "log_ends_early";
  readonly endsAt: string;
  readonly neededUntil: string;
}

/** An index does not agree with its table, or with itself, as amcheck found after the cluster was opened. */
export interface IndexDamaged {
  readonly kind: "index_damaged";
  readonly index: string;
  readonly detail: string;
}
