import type * as z from "zod";
import type { Documentation } from "./documented.ts";
import { REQUEST_HEADERS, type RequestHeader } from "./headers.ts";
import type { ProblemKind } from "../problem/problem.ts";
import { reference, type Reference } from "./reference.ts";
import { inputSchema } from "./schemas.ts";

interface Examples {
  readonly id?: string;
  readonly query?: object;
}

/** Whether an operation reads an Idempotency-Key: only such an operation may refuse a malformed one. */
export function isRepeatable(problems: readonly ProblemKind[]): boolean {
  return problems.includes("malformed_idempotency_key");
}

/** The path, query and header parameters of an operation. */
export function parametersOf(
  method: string,
  examples: Examples,
  documentation: readonly Documentation[],
  problems: readonly ProblemKind[],
): object[] {
  const headers = new Map<RequestHeader, "required" | "optional">();
  if (problems.includes("precondition_failed"))
    headers.set(method === "GET" ? "If-None-Match" : "If-Match", "optional");
  if (isRepeatable(problems)) headers.set("Idempotency-Key", "optional");
  for (const { requestHeaders = {} } of documentation) {
    for (const [name, need] of Object.entries(requestHeaders)) headers.set(name as RequestHeader, need);
  }
  return [
    ...documentation.flatMap(({ path }) => fieldsOf("path", path, examples)),
    ...documentation.flatMap(({ query }) => fieldsOf("query", query, examples.query)),
    ...Array.from(headers, ([name, need]) =>
      need === "optional" ? headerReference(name) : headerParameter(name, true),
    ),
  ];
}

/** The optional request headers, for `components.parameters`. */
export function headerParameters(): Readonly<Record<string, object>> {
  const names = Object.keys(REQUEST_HEADERS) as RequestHeader[];
  return Object.fromEntries(names.map((name) => [name, headerParameter(name, false)]));
}

function headerReference(name: RequestHeader): Reference {
  return reference("parameters", name);
}

/**
 * It has no example: tools send the examples of optional parameters. A precondition or a key that is the same for all requests
 * makes most of them fail.
 */
function headerParameter(name: RequestHeader, required: boolean) {
  const { description, schema } = REQUEST_HEADERS[name];
  return { name, in: "header", required, description, schema };
}

/** The fields of a schema as parameters. Each has the example of the operation, or those of its schema. */
function fieldsOf(location: "path" | "query", schema: z.ZodType | undefined, values: object = {}) {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = inputSchema(schema);
  return Object.entries(properties).map(([name, property]) => {
    const { description, examples, ...rest } = property as z.core.JSONSchema.JSONSchema;
    const text = (values as Record<string, string | undefined>)[name];
    return {
      name,
      in: location,
      required: required.includes(name),
      description,
      // A list in a query is one parameter, with commas between its items.
      ...(rest.type === "array" ? { style: "form", explode: false } : {}),
      schema: text === undefined && examples !== undefined ? { ...rest, examples } : rest,
      ...(text === undefined ? {} : { example: typed(text, rest.type) }),
    };
  });
}

/** The value of a parameter's text. */
function typed(text: string, type: z.core.JSONSchema.JSONSchema["type"]): unknown {
  if (type === "array") return text.split(",");
  if (type === "boolean") return text === "true";
  return type === "integer" ? Number(text) : text;
}
