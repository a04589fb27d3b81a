import { zValidator } from "@hono/zod-validator";
import type { Context, MiddlewareHandler } from "hono";
import type { BlankInput } from "hono/types";
import { z } from "zod";
import type { Violation } from "../../../domain/shared/violation.ts";
import { violationDetail } from "../../violation-detail.ts";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { MAX_FIELD_ERRORS, problem, type FieldError } from "../problem.ts";

/** Validates the body, which must be JSON and have no field that the schema does not know: 422 otherwise. */
export function validBody<Schema extends z.ZodType>(schema: Schema) {
  const middleware = zValidator("json", schema, (result, c: Context) =>
    result.success ? undefined : validationProblem(c, "body", result.error.issues, result.data),
  );
  return documented(middleware, { body: schema, problems: ["validation_failed"] });
}

/** Validates the query parameters, unknown ones included: 422 otherwise. */
export function validQuery<Schema extends z.ZodType>(schema: Schema) {
  const middleware = zValidator("query", schema, (result, c: Context) =>
    result.success ? undefined : validationProblem(c, "query", result.error.issues, result.data),
  );
  return documented(middleware, { query: schema, problems: ["validation_failed"] });
}

/** For a request that takes no query parameters: 422 when it has any. A client's types need not know of that. */
export const rejectQuery = validQuery(z.strictObject({})) as MiddlewareHandler as MiddlewareHandler<
  HttpEnv,
  string,
  BlankInput,
  ReturnType<typeof validationProblem>
>;

function validationProblem(c: Context, place: FieldError["in"], issues: readonly z.core.$ZodIssue[], input: unknown) {
  const errors = new Map<string, FieldError>();
  for (const issue of issues) {
    for (const error of fieldErrors(place, issue, input))
      if (!errors.has(error.pointer)) errors.set(error.pointer, error);
  }
  return problem(c, "validation_failed", { errors: [...errors.values()].slice(0, MAX_FIELD_ERRORS) });
}

function fieldErrors(place: FieldError["in"], issue: z.core.$ZodIssue, input: unknown): FieldError[] {
  const at = (path: readonly PropertyKey[], code: string, detail: string): FieldError => ({
    in: place,
    pointer: jsonPointer(path),
    code,
    detail,
  });
  // A parameter that is given several times is read as a list, which few take.
  const isOfOne = issue.code === "invalid_type" || issue.code === "invalid_value";
  if (place === "query" && isOfOne && Array.isArray(valueAt(input, issue.path))) {
    return [at(issue.path, "repeated", "This parameter is given more than once. Give it once.")];
  }
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys
        .slice(0, MAX_FIELD_ERRORS)
        .map((key) => at([...issue.path, key], "unknown_field", unknownFieldDetail(place, key)));
    case "invalid_type":
      return [
        valueAt(input, issue.path) === undefined
          ? at(issue.path, "required", "This field is required.")
          : at(issue.path, "wrong_type", `This must be ${article(issue.expected)}.`),
      ];
    case "invalid_value":
      return [
        valueAt(input, issue.path) === undefined
          ? at(issue.path, "required", "This field is required.")
          : at(issue.path, "not_allowed", `This must be one of: ${issue.values.join(", ")}.`),
      ];
    case "custom": {
      const violation = issue.params?.["violation"] as Violation | undefined;
      if (violation !== undefined) return [at(issue.path, violation.code, violationDetail(violation))];
      return [at(issue.path, String(issue.params?.["code"] ?? "invalid"), issue.message)];
    }
    default:
      return [at(issue.path, "invalid", issue.message)];
  }
}

/** Fields that a client sees and may take for settable. */
const SET_BY_OPERATION = new Map([
  ["status", "The status changes with POST …/publish and POST …/unpublish, or is given when the post is created."],
  ["password", "The password changes with PUT /v1/users/{id}/password."],
]);

function unknownFieldDetail(place: FieldError["in"], key: string): string {
  if (place === "query") return "This parameter is unknown here. Remove it.";
  return SET_BY_OPERATION.get(key) ?? "This field is unknown here or cannot be set. Remove it.";
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** RFC 6901. */
function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
