import type { Hono } from "hono";
import type * as z from "zod";
import { documentationOf, type Documentation } from "./documented.ts";
import type { HttpEnv } from "../environment.ts";
import { preconditionResponse, weakEtag } from "../etag.ts";
import { RESPONSE_HEADERS, type ResponseHeader } from "./headers.ts";
import { headerParameters, isRepeatable, parametersOf } from "./parameters.ts";
import { headersOf, problemResponses } from "./problem-responses.ts";
import { reference } from "./reference.ts";
import { answerSchemas, inputSchema } from "./schemas.ts";
import { BODIES } from "./bodies.ts";
import { TAGS } from "./operation.ts";
import { OPERATIONS, type OperationKey } from "./operations.ts";
import { STORAGE_PROBLEMS, type ProblemKind } from "../problem/problem.ts";
import { respond } from "../respond.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** An operation, without the types of its route. */
interface Operation {
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly request: { readonly id?: string; readonly body?: unknown; readonly query?: object };
  readonly answers: Readonly<Record<number, Answer>>;
  readonly problems: readonly ProblemKind[];
  readonly usesStorage: boolean;
}

interface Answer {
  readonly description: string;
  readonly headers?: readonly ResponseHeader[];
  readonly body?: z.ZodType;
  readonly example?: unknown;
}

/** The address of the API for its clients. */
interface ApiAddress {
  readonly server: string;
  readonly basePath: string;
}

const describeApi = (
  basePath: string,
) => `Posts and their authors. Log in with \`POST /v1/sessions\` and send the token as
\`Authorization: Bearer <token>\`. The page at [${basePath}/docs](${basePath}/docs) sends it for you. This document is at
[${basePath}/openapi.json](${basePath}/openapi.json).

Ids are UUIDs and times are RFC 3339 in UTC. A field without a value is \`null\`, never missing. Unknown fields and query
parameters are refused (422). A path that supports GET supports HEAD. OPTIONS lists the methods of a path, and any
other method is refused (405).

Every answer has an \`X-Request-Id\`, by which the operator finds the request in the log. (Requests refused under load,
\`server_busy\` and \`address_busy\`, share one log line a minute.) Every answer also has the security headers of browsers:
\`Content-Security-Policy\`, \`X-Content-Type-Options\`, \`Referrer-Policy\` and \`Cross-Origin-Resource-Policy\`. Long
answers are compressed for clients that accept gzip. Admins get the time of a request in \`Server-Timing\`. Errors are problem details (RFC 9457): \`code\` identifies the error,
and a 422 has \`errors\`, one for each invalid value.

Lists are paged by cursor: \`nextCursor\` leads to the next page. Resources have an \`ETag\`. A change that sends it as
\`If-Match\` is refused (412) when the resource has changed since. PATCH accepts a JSON merge patch (RFC 7396) as
\`application/json\` or \`application/merge-patch+json\`. A POST with an \`Idempotency-Key\` can be retried safely: it takes
effect once.

Rate limits count units per minute, for each address and for each account. Each request costs one unit; searches, counts,
writes and passwords cost more, as the descriptions of the operations show. \`RateLimit-Policy\` shows the cost of the
request, and \`RateLimit\` shows the units that remain. A 429 has \`Retry-After\`.

Pages of other origins may call the API if \`QUIRE_CORS_ORIGINS\` of the server lists their origin (CORS). For TypeScript
there is a typed client, \`quire-api/client\`, for browsers, Node, Deno and Bun.`;

/** The problems that any request may be answered with, before its route runs or when it fails. */
const ANYWHERE: readonly ProblemKind[] = [
  "malformed_request",
  "request_timeout",
  "expectation_failed",
  "headers_too_large",
  "transfer_coding_unsupported",
  "internal_error",
  "server_busy",
  "address_busy",
];

/** Answers GET /openapi.json with the description of the routes that the app has at this point. */
export function serveDocument(app: Hono<HttpEnv>, address: ApiAddress): void {
  const make = () => {
    const json = JSON.stringify(openApiDocument(app, address));
    return { json, tag: weakEtag(json) };
  };
  let made: ReturnType<typeof make> | null = null;
  app.get("/openapi.json", (c) => {
    made ??= make();
    c.set("isLong", true);
    return preconditionResponse(c, made.tag) ?? respond(c, made.json, 200, { "Content-Type": "application/json" });
  });
}

/** Describes the routes of an app in OpenAPI 3.1, with the schemas that validate requests and the schemas of the answers. */
function openApiDocument(app: Hono<HttpEnv>, { server, basePath }: ApiAddress): JsonObject {
  const shared = problemResponses();
  const operations = (Object.keys(OPERATIONS) as OperationKey[]).map((key) => describe(app, key, shared));
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const { path, method, description } of operations) (paths[path] ??= {})[method] = description;
  return {
    openapi: "3.1.0",
    info: {
      title: "Quire",
      version: "1",
      description: describeApi(basePath),
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: server }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "The token that POST /v1/sessions returns." },
      },
      schemas: { ...answerSchemas(), ...Object.fromEntries(operations.flatMap(({ body }) => body)) },
      headers: RESPONSE_HEADERS,
      parameters: headerParameters(),
      ...shared.components(),
    },
  };
}

function describe(app: Hono<HttpEnv>, key: OperationKey, shared: ReturnType<typeof problemResponses>) {
  const operation: Operation = OPERATIONS[key];
  const [method = "", path = ""] = key.split(" ");
  const documentation = documentationsOf(app, method, path);
  const bearer = documentation.some(({ bearer }) => bearer === "required")
    ? [{ bearer: [] }]
    : documentation.some(({ bearer }) => bearer === "optional")
      ? [{ bearer: [] }, {}]
      : [];
  const problems = [
    ...new Set([
      ...ANYWHERE,
      ...documentation.flatMap((each) => each.problems ?? []),
      ...(operation.usesStorage ? STORAGE_PROBLEMS : []),
      ...operation.problems,
    ]),
  ];
  const body = documentation.find((each) => each.body !== undefined)?.body;
  const bodyName = `${operation.id.replace(/^./, (letter) => letter.toUpperCase())}Body`;
  return {
    path: path.replaceAll(/:(\w+)/g, "{$1}"),
    method: method.toLowerCase(),
    body: body === undefined ? [] : [[bodyName, inputSchema(body)] as const],
    description: {
      operationId: operation.id,
      tags: [operation.tag],
      summary: operation.summary,
      ...descriptionOf(operation, documentation),
      security: bearer,
      parameters: parametersOf(method, operation.request, documentation, problems),
      ...(body === undefined
        ? {}
        : {
            requestBody: {
              required: !documentation.some(({ isBodyOptional }) => isBodyOptional === true),
              content: {
                "application/json": { schema: reference("schemas", bodyName), example: operation.request.body },
              },
            },
          }),
      responses: { ...answersOf(operation, documentation, problems), ...shared.of(problems, documentation) },
    },
  };
}

function descriptionOf({ description }: Operation, documentation: readonly Documentation[]) {
  const costs = documentation.flatMap(({ cost = [] }) => cost);
  const cost = costs.length === 0 ? [] : `It costs 1 unit of the rate limits, plus ${costs.join(", ")}.`;
  const sentences = [description ?? [], cost].flat();
  return sentences.length === 0 ? {} : { description: sentences.join(" ") };
}

/** The documentation of the middleware before a route, in the order in which a request passes it. */
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
