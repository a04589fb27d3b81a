/** Keeps the write-ahead log complete for a backup, until a checkpoint is necessary. */
export interface LogRetention {
  /** Begins to keep the log; `null` if another backup has begun. */
  hold(): LogHold | null;
  isHeld(): boolean;
  /** Ends the hold, because the log cannot be kept any longer. */
  end(reason: string): void;
}

export interface LogHold {
  /** The reason why the log may no longer be complete, or `null`. */
  endedBy(): string | null;
  release(): void;
}

export function logRetention(): LogRetention {
  let current: { endedBy: string | null } | null = null;
  return {
    hold: () => {
      if (current !== null) return null;
      const held: { endedBy: string | null } = { endedBy: null };
      current = held;
      return {
        endedBy: () => held.endedBy,
        release: () => {
          if (current === held) current = null;
        },
      };
    },
    isHeld: () => current !== null,
    end: (reason) => {
      if (current === null) return;
      current.endedBy = reason;
      current = null;
    },
  };
}
