import { zValidator } from "@hono/zod-validator";
import type { Context } from "hono";
import { z } from "zod";
import { parseId, type Id } from "../../domain/id.ts";
import { problem, type ProblemKind } from "./problem.ts";
import { text } from "./validation.ts";

/** Reads `:id` from the path. What is no UUID names nothing, so it is not found like one that nobody has. */
export function pathId<AnId extends Id<string>>(notFound: ProblemKind) {
  return zValidator("param", z.object({ id: text((raw) => parseId<AnId>(raw)) }), (result, c: Context) =>
    result.success ? undefined : problem(c, notFound),
  );
}
