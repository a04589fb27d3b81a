/** From the main thread to the engine's Worker, which serves one request after the other. */
export type EngineRequest =
  /** A message of PostgreSQL's protocol. `acknowledges`: a client learns from its answer that a write is stored. */
  | { readonly kind: "message"; readonly bytes: Uint8Array; readonly acknowledges: boolean }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "close" };

/** From the engine's Worker to the main thread. `Damage` is what the guard of the host reports. */
export type EngineEvent<Damage> =
  /** PostgreSQL is open. `hasRecovered`: it was not shut down before, so it replayed its write-ahead log. */
  | { readonly kind: "opened"; readonly hasRecovered: boolean; readonly position: bigint }
  /** The guard found damage. PostgreSQL was not opened, and nothing was written. */
  | { readonly kind: "refused"; readonly damage: Damage }
  /** PostgreSQL does not open. */
  | { readonly kind: "failed"; readonly reason: string }
  /** A line of PostgreSQL's own log. */
  | { readonly kind: "line"; readonly text: string }
  /** The answer to a message. `position`: where the write-ahead log ends, after a message that acknowledges. */
  | { readonly kind: "reply"; readonly bytes: Uint8Array; readonly position: bigint | null }
  /** A new cluster is complete and closed. */
  | { readonly kind: "initialised" }
  /** PostgreSQL ended. `isShutDown`: the next start needs no crash recovery. */
  | { readonly kind: "closed"; readonly isShutDown: boolean };
