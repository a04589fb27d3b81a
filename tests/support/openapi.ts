import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";

/** The parts of an OpenAPI 3.1 document that the tests read. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: { readonly examples?: readonly string[] };
  readonly example?: unknown;
}

interface MediaType {
  readonly schema: object;
  readonly example?: unknown;
}

interface Answer {
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

interface App {
  readonly request: (path: string) => Response | Promise<Response>;
}

/** The document with its shared responses and parameters in place of the references to them. */
export async function readDocument(app: App): Promise<OpenApiDocument> {
  const document = await publishedDocument(app);
  const place = (part: unknown): unknown => {
    const pointer = (part as { readonly $ref?: string }).$ref;
    return pointer !== undefined && /^#\/components\/(?:responses|parameters)\//.test(pointer)
      ? structuredClone(valueAt(document, pointer))
      : part;
  };
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
    const { parameters, responses } = operation as unknown as {
      parameters: unknown[];
      responses: Record<string, unknown>;
    };
    parameters.splice(0, parameters.length, ...parameters.map(place));
    for (const [status, response] of Object.entries(responses)) responses[status] = place(response);
  }
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
    for (const content of Object.values(operation.requestBody?.content ?? {})) {
      const { $ref } = content.schema as { readonly $ref?: string };
      if ($ref !== undefined) Object.assign(content, { schema: valueAt(document, $ref) });
    }
  }
  return document;
}

/** The document as it was parsed, with its references. */
export async function publishedDocument(app: App): Promise<OpenApiDocument> {
  const response = await app.request("/openapi.json");
  return (await response.json()) as OpenApiDocument;
}

function valueAt(document: OpenApiDocument, pointer: string): unknown {
  let value: unknown = document;
  for (const part of pointer.split("/").slice(1)) value = (value as Record<string, unknown>)[part];
  return value;
}

interface Header {
  readonly required?: boolean;
  readonly schema: { readonly type: "string" | "integer" };
}

/** The headers of the transport and of the browser. The document describes them once, in its text. */
const DESCRIBED_IN_TEXT = new Set([
  "content-type",
  "content-length",
  "content-encoding",
  "server-timing",
  "content-security-policy",
  "cross-origin-resource-policy",
  "referrer-policy",
  "x-content-type-options",
  "access-control-allow-origin",
  "access-control-expose-headers",
]);

/** Checks that the document describes the answer to a request. Requests that the document does not describe are skipped. */
export function documentChecker(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, "openapi");
  const at = (...path: readonly string[]) =>
    `openapi#/${path.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
  const expectValid = (pointer: string, value: unknown, what: string) => {
    const validate = ajv.getSchema(pointer);
    expect(validate, pointer).toBeDefined();
    expect(validate?.(value), `${what}: ${ajv.errorsText(validate?.errors)} in ${JSON.stringify(value)}`).toBe(true);
  };

  return (method: string, path: string, reply: { status: number; headers: Headers; text: string; body: unknown }) => {
    const template = templateOf(document, path);
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = template === null ? undefined : document.paths[template]?.[verb];
    if (template === null || operation === undefined) return;
    const what = `${operation.operationId} ${reply.status}`;
    const answer = operation.responses[String(reply.status)];
    expect(answer, `${what} is documented, as is ${reply.text}`).toBeDefined();
    const { headers = {}, content = {} } = answer ?? {};

    const documented = new Map(Object.entries(headers).map(([name, { $ref }]) => [name.toLowerCase(), $ref] as const));
    for (const [name, value] of reply.headers) {
      const reference = documented.get(name);
      if (DESCRIBED_IN_TEXT.has(name)) continue;
      expect(reference, `${what}: the header ${name} is documented`).toBeDefined();
      const { schema } = valueAt(document, reference ?? "") as Header;
      expectValid(`openapi${reference}/schema`, schema.type === "integer" ? Number(value) : value, `${what} ${name}`);
    }
    for (const [name, reference] of documented) {
      if ((valueAt(document, reference) as Header).required === true)
        expect(reply.headers.has(name), `${what} has ${name}`).toBe(true);
    }

    if (method === "HEAD") return;
    const mediaType = reply.headers.get("Content-Type");
    expect(mediaType === null ? [] : [mediaType], what).toEqual(Object.keys(content));
    if (mediaType === null) return;
    const place = ["paths", template, verb, "responses", String(reply.status), "content", mediaType, "schema"];
    expectValid(at(...place), reply.body, what);
  };
}

/** The path of the document that matches the path of a request; `null` for none. */
function templateOf({ paths }: OpenApiDocument, path: string): string | null {
  const { pathname } = new URL(path, "http://localhost");
  const isOf = (template: string) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname);
  return Object.keys(paths).find(isOf) ?? null;
}

export interface DocumentedOperation extends Operation {
  readonly path: string;
  readonly method: string;
}

export function operationsOf({ paths }: OpenApiDocument): DocumentedOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
}
