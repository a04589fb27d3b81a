import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Result } from "neverthrow";
import type { AnsweredBefore } from "../../../application/idempotency/commit.ts";
import type { Memory } from "../../../application/idempotency/commit-once.ts";
import type { IdempotentRequest } from "../../../application/ports/idempotency-cipher.ts";
import type { UserId } from "../../../domain/shared/id.ts";
import { IDEMPOTENCY_KEY } from "../openapi/headers.ts";
import { failureProblem, problem, type UseCaseError } from "../problem.ts";
import { sendAnswer, type JsonAnswer, type JsonResponse } from "../resource-response.ts";
import { respond } from "../respond.ts";

interface Operation<
  T,
  Write,
  Failure extends UseCaseError,
  Ended extends UseCaseError,
  Body extends object,
  Status extends ContentfulStatusCode,
> {
  /** Who asks; where anybody may, who came of it. */
  readonly user: UserId | ((outcome: T) => UserId);
  /** Writes as it is told to, which is done once; without a key it is not told. */
  readonly act: (write?: Write) => Promise<Result<T, Failure | AnsweredBefore>>;
  readonly answer: (outcome: T) => JsonAnswer<Body, Status>;
  /** Whether what was answered before may be answered again: always, where it is left out. */
  readonly stillHolds?: (body: Body) => Promise<Result<unknown, Ended>>;
}

/**
 * Answers a POST, once for each Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a repetition gets the very
 * status, headers and body of the first, and `Idempotency-Replayed: true`.
 */
export async function answerOnce<
  T,
  Write,
  Failure extends UseCaseError,
  Body extends object,
  Status extends ContentfulStatusCode,
  Ended extends UseCaseError = never,
>(
  c: Context,
  once: (request: IdempotentRequest, memoryOf: (outcome: T) => Memory) => Write,
  { user, act, answer, stillHolds }: Operation<T, Write, Failure, Ended, Body, Status>,
) {
  const header = c.req.header("Idempotency-Key");
  const key = header === undefined ? null : keyIn(header);
  if (key === undefined) return problem(c, "malformed_idempotency_key");
  const isAnybody = typeof user === "function";
  const memoryOf = (outcome: T) => {
    const { body, ...head } = answer(outcome);
    return { userId: isAnybody ? user(outcome) : user, answer: { ...head, body: JSON.stringify(body) } };
  };
  const write = async (idempotencyKey: string) => {
    const request = { operation: `${c.req.method} ${c.req.path}`, body: await c.req.text() };
    return once({ key: idempotencyKey, userId: isAnybody ? null : user, ...request }, memoryOf);
  };
  const acted = await act(key === null ? undefined : await write(key));
  if (acted.isOk()) return sendAnswer(c, answer(acted.value));
  const failure = acted.error;
  if (!isAnsweredBefore(failure)) return failureProblem(c, failure);

  const before = failure.answer as { readonly status: Status } & typeof failure.answer;
  const held = await stillHolds?.(JSON.parse(before.body) as Body);
  if (held?.isErr() === true) return failureProblem(c, held.error);
  const headers = { ...before.headers, "Content-Type": "application/json", "Idempotency-Replayed": "true" };
  return respond(c, before.body, before.status, headers) as Response as JsonResponse<Body, Status>;
}

/** The key in the header's value; `undefined` when it is none. */
function keyIn(value: string): string | undefined {
  const [, quoted, bare] = IDEMPOTENCY_KEY.exec(value) ?? [];
  return quoted ?? bare;
}

function isAnsweredBefore<Failure extends UseCaseError>(failure: Failure | AnsweredBefore): failure is AnsweredBefore {
  return failure.kind === "answered_before";
}
