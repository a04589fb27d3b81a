import type { Context } from "hono";
import type { Result } from "neverthrow";
import type { ExpectedVersions } from "../../application/optimistic-concurrency.ts";
import { expectedVersions, type RequestHeaders } from "./etag.ts";
import { failureProblem, type UseCaseError } from "./problem/problem.ts";
import { respond } from "./respond.ts";

/** Answers with the result of a use case: renders its value, or the problem of its error. */
export async function send<T, Failure extends UseCaseError, Rendered>(
  c: Context,
  result: Promise<Result<T, Failure>>,
  render: (value: T) => Rendered,
) {
  return (await result).match(render, (failure) => failureProblem(c, failure));
}

export function noContent(c: Context) {
  return respond(c, null, 204);
}

/** A context behind a validator of the path's id. */
interface WithPathId<AnId> {
  readonly req: RequestHeaders["req"] & { valid(target: "param"): { readonly id: AnId } };
}

/** The resource that the path names, and its versions that the preconditions of the request allow. */
export function targetOf<AnId>(c: WithPathId<AnId>): { readonly id: AnId; readonly expected: ExpectedVersions } {
  return { id: c.req.valid("param").id, expected: expectedVersions(c) };
}
