/** `quire-api/edge`: the API as a worker. It needs only Web standards. */
export { edgeHandler, type EdgeOptions } from "../bootstrap/edge/edge-handler.ts";
export type { OpenWorkerStorage, WorkerStorage } from "../bootstrap/edge/worker-storage.ts";
export type { CompiledWasm } from "../infrastructure/web/argon2id-wasm.ts";
export type {
  OpenWorkerError,
  WorkerContext,
  WorkerHandler,
  WorkerMisconfigured,
} from "../interfaces/edge/worker-handler.ts";
