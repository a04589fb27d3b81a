import type { Hono } from "hono";
import { z } from "zod";
import { documentationOf, type Documentation } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { preconditionResponse, weakEtag } from "./etag.ts";
import { REQUEST_HEADERS, RESPONSE_HEADERS, type RequestHeader, type ResponseHeader } from "./headers.ts";
import { BODIES, OPERATIONS, TAGS, type OperationKey } from "./operations.ts";
import { problemParts, type FieldError, type ProblemKind } from "./problem.ts";
import { respond } from "./respond.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** An operation as any of the table's entries is. */
interface Operation {
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly request: { readonly id?: string; readonly body?: unknown; readonly query?: object };
  readonly answers: Readonly<Record<number, Answer>>;
  readonly problems: readonly ProblemKind[];
}

interface Answer {
  readonly description: string;
  readonly headers?: readonly ResponseHeader[];
  readonly body?: z.ZodType;
  readonly example?: unknown;
}

const DESCRIPTION = `Posts and their authors. Log in with \`POST /v1/sessions\` and send the token as
\`Authorization: Bearer <token>\`; the page at [/docs](/docs) does so by itself. Programs read this document at
[/openapi.json](/openapi.json).

Ids are UUIDs, times are RFC 3339 in UTC, and what has no value is \`null\`, never missing. Unknown fields and query
parameters are refused. A path that takes GET takes HEAD; OPTIONS is answered with the methods that a path takes, and any
other method is refused (405).

Every answer has \`X-Request-Id\`, which finds its line in the log. Errors are problem details (RFC 9457): \`code\` tells
them apart, and 422 has \`errors\`, one for each wrong value.

A list answers with a page, and \`nextCursor\` leads to the next one. What is read has an \`ETag\`: a change that sends it as
\`If-Match\` is refused (412) when others were faster. A POST that sends an \`Idempotency-Key\` can be repeated when no answer
comes, and is done once.

A page of another origin may ask when \`QUIRE_CORS_ORIGINS\` of the server names its own. In TypeScript, \`quire/client\` is
all this as functions, for browsers, Node, Deno and Bun.`;

/** What any request may be answered with, before a route is asked or when one fails. */
const ANYWHERE: readonly ProblemKind[] = [
  "malformed_request",
  "request_timeout",
  "expectation_failed",
  "headers_too_large",
  "internal_error",
  "storage_busy",
];

const FIELD_ERROR: FieldError = {
  in: "body",
  pointer: "/title",
  code: "too_short",
  detail: "This must have at least 1 character.",
};

/** Answers GET /openapi.json with the description of the routes that the app has by then. */
export function serveDocument(app: Hono<HttpEnv>): void {
  const make = () => {
    const json = JSON.stringify(openApiDocument(app));
    return { json, tag: weakEtag(json) };
  };
  let made: ReturnType<typeof make> | null = null;
  app.get("/openapi.json", (c) => {
    made ??= make();
    c.set("isLong", true);
    return preconditionResponse(c, made.tag) ?? respond(c, made.json, 200, { "Content-Type": "application/json" });
  });
}

/** Describes the routes of an app in OpenAPI 3.1: their schemas are those that validate, and those of the answers. */
function openApiDocument(app: Hono<HttpEnv>): JsonObject {
  const operations = (Object.keys(OPERATIONS) as OperationKey[]).map((key) => describe(app, key));
  const problems = new Set(operations.flatMap((operation) => operation.problems));
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const { path, method, description } of operations) (paths[path] ??= {})[method] = description;
  return {
    openapi: "3.1.0",
    info: {
      title: "Quire",
      version: "1",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "The token that POST /v1/sessions answers with." },
      },
      schemas: answerSchemas(),
      headers: RESPONSE_HEADERS,
      examples: Object.fromEntries([...problems].map((kind) => [kind, { value: problemExample(kind) }])),
    },
  };
}

function describe(app: Hono<HttpEnv>, key: OperationKey) {
  const operation: Operation = OPERATIONS[key];
  const [method = "", path = ""] = key.split(" ");
  const documentation = documentationsOf(app, method, path);
  const bearer = documentation.some(({ bearer }) => bearer === "required")
    ? [{ bearer: [] }]
    : documentation.some(({ bearer }) => bearer === "optional")
      ? [{ bearer: [] }, {}]
      : [];
  const problems = [
    ...new Set([...ANYWHERE, ...documentation.flatMap((each) => each.problems ?? []), ...operation.problems]),
  ];
  const body = documentation.find((each) => each.body !== undefined);
  const mediaTypes = documentation.find((each) => each.mediaTypes !== undefined)?.mediaTypes ?? [];
  return {
    path: path.replaceAll(/:(\w+)/g, "{$1}"),
    method: method.toLowerCase(),
    problems,
    description: {
      operationId: operation.id,
      tags: [operation.tag],
      summary: operation.summary,
      ...(operation.description === undefined ? {} : { description: operation.description }),
      security: bearer,
      parameters: parametersOf(operation, documentation, problems),
      ...(body?.body === undefined
        ? {}
        : {
            requestBody: {
              required: body.bodyIsOptional !== true,
              content: Object.fromEntries(
                mediaTypes.map((mediaType) => [
                  mediaType,
                  { schema: inputSchema(body.body as z.ZodType), example: operation.request.body ?? {} },
                ]),
              ),
            },
          }),
      responses: { ...answersOf(operation, documentation, problems), ...problemsOf(problems, documentation) },
    },
  };
}

/** What stands before a route, in the order in which a request meets it. */
function documentationsOf({ routes }: Hono<HttpEnv>, method: string, path: string): Documentation[] {
  const handler = routes.findLastIndex((route) => route.method === method && route.path === path);
  return routes
    .slice(0, handler)
    .filter((route) =>
      route.method === "ALL" ? covers(route.path, path) : route.method === method && route.path === path,
    )
    .map((route) => documentationOf(route.handler));
}

function covers(pattern: string, path: string): boolean {
  return pattern.endsWith("/*") && `${path}/`.startsWith(pattern.slice(0, -1));
}

function parametersOf(
  { request }: Operation,
  documentation: readonly Documentation[],
  problems: readonly ProblemKind[],
) {
  const headers = new Map<RequestHeader, "required" | "optional">();
  if (problems.includes("precondition_failed")) {
    headers.set("If-Match", "optional").set("If-None-Match", "optional");
  }
  if (isRepeatable(problems)) headers.set("Idempotency-Key", "optional");
  for (const { requestHeaders = {} } of documentation) {
    for (const [name, need] of Object.entries(requestHeaders)) headers.set(name as RequestHeader, need);
  }
  return [
    ...documentation.flatMap(({ path }) => fieldsOf("path", path, request)),
    ...documentation.flatMap(({ query }) => fieldsOf("query", query, request.query)),
    ...Array.from(headers, ([name, need]) => ({
      name,
      in: "header",
      required: need === "required",
      ...REQUEST_HEADERS[name],
    })),
  ];
}

/** The fields of a schema as parameters, each with the example that the operation has for it, or those of its schema. */
function fieldsOf(place: "path" | "query", schema: z.ZodType | undefined, values: object = {}) {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = inputSchema(schema);
  return Object.entries(properties).map(([name, property]) => {
    const { description, examples, ...rest } = property as z.core.JSONSchema.JSONSchema;
    const example: unknown = (values as Record<string, unknown>)[name];
    return {
      name,
      in: place,
      required: required.includes(name),
      description,
      schema: example === undefined && examples !== undefined ? { ...rest, examples } : rest,
      ...(example === undefined ? {} : { example }),
    };
  });
}

function answersOf({ answers }: Operation, documentation: readonly Documentation[], problems: readonly ProblemKind[]) {
  const replayed: readonly ResponseHeader[] = isRepeatable(problems) ? ["Idempotency-Replayed"] : [];
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, headers = [], body, example }]) => [
      status,
      {
        description,
        headers: headersOf(documentation, [...headers, ...replayed]),
        ...(body === undefined
          ? {}
          : { content: { "application/json": { schema: reference("schemas", BODIES.get(body)?.id ?? ""), example } } }),
      },
    ]),
  );
}

function statusOf(kind: ProblemKind): number {
  return problemParts(kind, null).status;
}

function problemsOf(problems: readonly ProblemKind[], documentation: readonly Documentation[]) {
  return Object.fromEntries(
    [...new Set(problems.map(statusOf))].map((status) => {
      const kinds = problems.filter((kind) => statusOf(kind) === status);
      const own = kinds.flatMap((kind) => [
        ...Object.keys(problemParts(kind, null).headers),
        ...documentation.flatMap(({ problemHeaders }) => problemHeaders?.[kind] ?? []),
      ]);
      return [
        status,
        {
          description: [...new Set(kinds.map((kind) => problemExample(kind).title))].join(", or: "),
          headers: headersOf(
            documentation,
            own.filter((name): name is ResponseHeader => name in RESPONSE_HEADERS),
          ),
          content: {
            "application/problem+json": {
              schema: { allOf: [reference("schemas", "Problem"), { properties: { code: { enum: kinds } } }] },
              examples: Object.fromEntries(kinds.map((kind) => [kind, reference("examples", kind)])),
            },
          },
        },
      ];
    }),
  );
}

/** Whether an Idempotency-Key is read: only what may refuse one reads it. */
function isRepeatable(problems: readonly ProblemKind[]): boolean {
  return problems.includes("malformed_idempotency_key");
}

function headersOf(documentation: readonly Documentation[], own: readonly ResponseHeader[]) {
  const names = new Set([...documentation.flatMap(({ responseHeaders = [] }) => responseHeaders), ...own]);
  return Object.fromEntries([...names].map((name) => [name, reference("headers", name)]));
}

function problemExample(kind: ProblemKind) {
  const extras = kind === "validation_failed" ? { errors: [FIELD_ERROR] } : {};
  return JSON.parse(problemParts(kind, RESPONSE_HEADERS["X-Request-Id"].example, extras).body) as { title: string };
}

function reference(kind: "schemas" | "headers" | "examples", name: string) {
  return { $ref: `#/components/${kind}/${name}` };
}

function inputSchema(schema: z.ZodType) {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema, {
    io: "input",
    // Zod leaves out the examples of what it transforms, which may be of what comes out of it; ours are of what goes in.
    override: ({ zodSchema, jsonSchema: made }) => {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) made.examples = examples;
    },
  });
  return jsonSchema;
}

function answerSchemas() {
  const { schemas } = z.toJSONSchema(BODIES, { io: "output", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]));
}
