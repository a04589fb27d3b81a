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
  readonly example?: string;
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

/** The document as a client reads it. */
export async function readDocument(app: App): Promise<OpenApiDocument> {
  const response = await app.request("/openapi.json");
  return (await response.json()) as OpenApiDocument;
}

interface Header {
  readonly required?: boolean;
  readonly schema: { readonly type: "string" | "integer" };
}

/** What every answer has or the server beneath the app adds, whatever is answered. */
const OF_EVERY_ANSWER = new Set(["content-type", "content-length"]);

/** Checks that an answer is one that the document has for its request; for what the document does not know, nothing. */
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
      if (OF_EVERY_ANSWER.has(name)) continue;
      expect(reference, `${what}: the header ${name} is documented`).toBeDefined();
      const { schema } = headerAt(document, reference ?? "");
      expectValid(`openapi${reference}/schema`, schema.type === "integer" ? Number(value) : value, `${what} ${name}`);
    }
    for (const [name, reference] of documented) {
      if (headerAt(document, reference).required === true)
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

function headerAt(document: OpenApiDocument, reference: string): Header {
  let value: unknown = document;
  for (const part of reference.split("/").slice(1)) value = (value as Record<string, unknown>)[part];
  return value as Header;
}

/** The path of the document that a request's path is of; `null` for none. */
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
