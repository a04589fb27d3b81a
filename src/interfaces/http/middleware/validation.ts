import { zValidator } from "@hono/zod-validator";
import type { Context, MiddlewareHandler } from "hono";
import type { BlankInput } from "hono/types";
import * as z from "zod";
import type { Violation } from "../../../domain/shared/violation.ts";
import { violationDetail } from "../../violation-detail.ts";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { MAX_FIELD_ERRORS, problem, type FieldError } from "../problem/problem.ts";

/** Validates the query parameters, unknown ones included: 422 otherwise. */
export function validQuery<Schema extends z.ZodType>(schema: Schema) {
  // Most requests have no parameters, and then a schema always has the same value.
  const ofNone = schema.safeParse({});
  if (ofNone.success) Object.freeze(ofNone.data);
  // The type of the result is one that TypeScript cannot resolve for a schema that it does not know.
  const parse = (_: Schema, query: object) => (isEmpty(query) ? ofNone : schema.safeParse(query)) as never;
  const middleware = zValidator(
    "query",
    schema,
    (result, c: Context) => {
      if (!result.success) return validationProblem(c, "query", result.error.issues, result.data);
      setValidated(c, schema, result.data);
      return undefined;
    },
    { validationFunction: parse },
  );
  return documented(middleware, { query: schema, problems: ["validation_failed"] });
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** Keeps a value that a schema has validated, for later middleware. */
export function setValidated<Schema extends z.ZodType>(c: Context, schema: Schema, value: z.output<Schema>): void {
  const values = (c.get("validated") as HttpEnv["Variables"]["validated"]) ?? new Map<z.ZodType, unknown>();
  values.set(schema, value);
  c.set("validated", values);
}

/** The value that this schema has validated in the request. Its validator must run before the caller. */
export function validated<Schema extends z.ZodType>(c: Context, schema: Schema): z.output<Schema> {
  const values = c.get("validated") as HttpEnv["Variables"]["validated"];
  if (values?.has(schema) !== true) throw new Error("The validator of this schema must run before its reader.");
  return values.get(schema) as z.output<Schema>;
}

/** Refuses query parameters (422) on a route that has none. A client's types leave this out. */
export const rejectQuery = validQuery(z.strictObject({})) as MiddlewareHandler as MiddlewareHandler<
  HttpEnv,
  string,
  BlankInput,
  ReturnType<typeof validationProblem>
>;

/** A 422 with the first mistake of each field. */
export function validationProblem(
  c: Context,
  location: FieldError["in"],
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
) {
  const errors = new Map<string, FieldError>();
  for (const issue of issues) {
    for (const error of fieldErrors(location, issue, input))
      if (!errors.has(error.pointer)) errors.set(error.pointer, error);
  }
  return problem(c, "validation_failed", { errors: [...errors.values()].slice(0, MAX_FIELD_ERRORS) });
}

function fieldErrors(location: FieldError["in"], issue: z.core.$ZodIssue, input: unknown): FieldError[] {
  const at = (path: readonly PropertyKey[], code: string, detail: string): FieldError => ({
    in: location,
    pointer: jsonPointer(path),
    code,
    detail,
  });
  // A repeated parameter is parsed as a list, and few schemas accept one.
  const isSingle = issue.code === "invalid_type" || issue.code === "invalid_value";
  if (location === "query" && isSingle && Array.isArray(valueAt(input, issue.path))) {
    return [at(issue.path, "repeated", "This parameter appears more than once. Send it once.")];
  }
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys
        .slice(0, MAX_FIELD_ERRORS)
        .map((key) => at([...issue.path, key], "unknown_field", unknownFieldDetail(location, key)));
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

/** Fields that a client reads and may try to set. */
const SET_BY_OPERATION = new Map([
  ["status", "Set the status when you create the post; change it with POST …/publish or POST …/unpublish."],
  ["password", "Change the password with PUT /v1/users/{id}/password."],
]);

function unknownFieldDetail(location: FieldError["in"], key: string): string {
  if (location === "query") return "This parameter is unknown. Remove it.";
  return SET_BY_OPERATION.get(key) ?? "This field is unknown or read-only. Remove it.";
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
