import type { Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { SchemaOutdated } from "../../application/ports/storage-probe.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { requestIdFrom } from "../http/middleware/request-id.ts";
import { problemParts } from "../http/problem/problem.ts";
import { problemKindOf } from "../http/problem/use-case-problems.ts";

/** The worker cannot work as it is configured; `detail` says what to change. */
export interface WorkerMisconfigured {
  readonly kind: "worker_misconfigured";
  readonly detail: string;
}

export type OpenWorkerError = WorkerMisconfigured | SchemaOutdated | StorageFailure;

/** The API for one request or one scheduled run. */
export interface WorkerApi {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Runs the periodic work once. */
  readonly maintain: () => Promise<void>;
  /** Completes the work that a request has left, and closes the storage. */
  readonly finish: () => Promise<void>;
}

/** The part of the context of an event (`ExecutionContext`) that is used. */
export interface WorkerContext {
  waitUntil(promise: Promise<unknown>): void;
}

/** The default export of a worker module. */
export interface WorkerHandler<Env> {
  fetch(request: Request, env: Env, context: WorkerContext): Promise<Response>;
  scheduled(event: unknown, env: Env, context: WorkerContext): Promise<void>;
}

interface Dependencies<Env> {
  readonly open: (env: Env) => Promise<Result<WorkerApi, OpenWorkerError>>;
  readonly log: Log;
}

/**
 * The handlers of a worker. An object of one request may not be used by another one, so each event opens the API. The context keeps
 * an event alive until its work is complete, also when the client has disconnected: a write that has begun is never cancelled.
 */
export function workerHandler<Env>({ open, log }: Dependencies<Env>): WorkerHandler<Env> {
  const finish = async (api: WorkerApi) => {
    await api.finish().catch((error: unknown) => log.error({ error }, "the work after a request failed"));
  };
  return {
    fetch: async (request, env, context) => {
      const opened = await open(env);
      if (opened.isErr()) {
        log.error({ failure: opened.error }, "the storage was not opened");
        return openingProblem(request, opened.error);
      }
      const { value: api } = opened;
      const answered = api.fetch(request);
      context.waitUntil(Promise.allSettled([answered]).then(async () => finish(api)));
      return answered;
    },
    scheduled: async (_event, env) => {
      const opened = await open(env);
      if (opened.isErr()) return log.error({ failure: opened.error }, "the storage was not opened");
      try {
        await opened.value.maintain();
      } finally {
        await finish(opened.value);
      }
    },
  };
}

function openingProblem(request: Request, error: OpenWorkerError): Response {
  const kind = error.kind === "worker_misconfigured" ? "internal_error" : problemKindOf(error);
  const requestId = requestIdFrom(request.headers.get("X-Request-Id") ?? undefined);
  const { status, headers, body } = problemParts(kind, requestId);
  return new Response(body, { status, headers: { ...headers, "X-Request-Id": requestId } });
}
