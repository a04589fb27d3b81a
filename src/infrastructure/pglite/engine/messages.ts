/** PGlite's WebAssembly, compiled (`WebAssembly.Module`). Threads share it, and the functions that V8 has optimised. */
export type CompiledPostgres = object;

/** The `workerData` of a Worker. `postgres`: the module that an earlier Worker compiled. */
export interface EngineThreadData {
  readonly postgres: CompiledPostgres | null;
}

/** The first message to a Worker, before all requests. `data` is for the host's file of the Worker. */
export interface EngineStart<Data> {
  readonly data: Data;
}

/** From the main thread to the engine's Worker, which serves one request after the other. */
export type EngineRequest =
  /**
   * A message of PostgreSQL's protocol. `acknowledges`: its answer acknowledges a write to a client. `removesFiles`: it may truncate,
   * replace or remove files.
   */
  | {
      readonly kind: "message";
      readonly bytes: Uint8Array;
      readonly acknowledges: boolean;
      readonly removesFiles: boolean;
    }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "close" };

/** From the engine's Worker to the main thread. `Damage` is the type of the damage that the host's guard reports. */
export type EngineEvent<Damage> =
  /** PostgreSQL is open. `hasRecovered`: the shutdown before was unclean, so PostgreSQL replayed its write-ahead log. */
  | { readonly kind: "opened"; readonly hasRecovered: boolean; readonly position: bigint }
  /** The guard found damage. PostgreSQL was not opened, and nothing was written. */
  | { readonly kind: "refused"; readonly damage: Damage }
  /** PostgreSQL does not open. */
  | { readonly kind: "failed"; readonly reason: string }
  /** The Worker has compiled PGlite's WebAssembly, which later Workers can use. */
  | { readonly kind: "compiled"; readonly postgres: CompiledPostgres }
  /** A line of PostgreSQL's own log. */
  | { readonly kind: "line"; readonly text: string }
  /** The answer to a message. `position`: the end of the write-ahead log, if the message acknowledges. */
  | { readonly kind: "reply"; readonly bytes: Uint8Array; readonly position: bigint | null }
  /** A new cluster is complete and closed. */
  | { readonly kind: "initialised" }
  /** PostgreSQL ended. `isShutDown`: the next start needs no crash recovery. */
  | { readonly kind: "closed"; readonly isShutDown: boolean };
