import type { Result } from "neverthrow";
import type { Clock } from "../../application/ports/clock.ts";
import type { Log } from "../../application/ports/log.ts";
import type { RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";
import type { OpenWorkerError } from "../../interfaces/edge/worker-handler.ts";
import type { MaintainedStorage } from "../background/background-work.ts";

/** The storage of one request of a worker. */
export interface WorkerStorage extends MaintainedStorage {
  /** Makes a rate limiter whose counts outlive the request. */
  readonly limiter: (clock: Clock, policy: RatePolicy) => RateLimiter;
}

/** Opens the storage of one request, with the bindings of the worker. */
export type OpenWorkerStorage<Env> = (env: Env, log: Log) => Promise<Result<WorkerStorage, OpenWorkerError>>;
