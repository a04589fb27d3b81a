import type { Durability } from "../../../application/ports/storage-probe.ts";
import type { Damage } from "../integrity/damage.ts";

/** What a Worker is started for. */
export interface EngineWorkerData {
  readonly task: "initialise" | "serve";
  /** The data directory. */
  readonly directory: string;
  /** The PostgreSQL cluster in it. */
  readonly cluster: string;
  readonly durability: Exclude<Durability, "none">;
}

/** From the main thread to the engine's Worker, which does one after the other. */
export type EngineRequest =
  /** A message of PostgreSQL's protocol. `acknowledges`: its answer tells somebody that something was written. */
  | { readonly kind: "message"; readonly bytes: Uint8Array; readonly acknowledges: boolean }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "close" };

/** From the engine's Worker to the main thread. */
export type EngineEvent =
  /** A new cluster lies there, closed. */
  | { readonly kind: "initialised" }
  /** The cluster is open. `recovered`: it was not shut down before, and its write-ahead log was replayed. */
  | { readonly kind: "opened"; readonly recovered: boolean; readonly position: bigint }
  /** The cluster's files are damaged; it was not opened, and nothing was written. */
  | { readonly kind: "refused"; readonly damage: Damage }
  /** The engine did not open. */
  | { readonly kind: "failed"; readonly reason: string }
  /** A line of the engine's own log. */
  | { readonly kind: "line"; readonly text: string }
  /** The answer to a message. `position`: where the write-ahead log ends, after a message that acknowledges. */
  | { readonly kind: "reply"; readonly bytes: Uint8Array; readonly position: bigint | null }
  /** The engine ended. `isShutDown`: by its own record it needs no recovery when it is opened again. */
  | { readonly kind: "closed"; readonly isShutDown: boolean };
