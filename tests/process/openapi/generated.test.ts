import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import type { Id } from "../../../src/domain/shared/id.ts";
import { openApi, type Person, type Reply } from "../../support/api.ts";
import { isThorough } from "../../../src/contracts/thorough.ts";
import { operationsOf, readDocument, type DocumentedOperation, type Parameter } from "../../support/openapi.ts";
import { arbitraryOf } from "./schema-arbitrary.ts";

/** A run of an allowed request has its own server, because the request may change or delete what the next one needs. */
const ALLOWED_RUNS = isThorough ? 40 : 8;
const FORBIDDEN_RUNS = 40;

const operations = operationsOf(await readDocument(openApi(openMemoryStorage()).app));
const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** The parts of a request that the document describes. */
interface Parts {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Rules of text that no portable pattern can state. The descriptions state them. */
const BEYOND_PATTERNS = new Set([
  "nul_character",
  "lone_surrogate",
  "byte_order_mark",
  "control_character",
  "bidirectional_control",
  "blank",
  "malformed_email",
  "without_words",
  // White space at both ends of a name is removed before its characters are counted.
  "too_short",
]);

/** Rules that no portable schema can state. The descriptions state them. */
const BEYOND_SCHEMAS = new Set([
  "/cursor: malformed_cursor",
  "/to: required",
  "/to: contradictory",
  "/sort: contradictory",
  "/status: contradictory",
  "/publishedAt: contradictory",
]);

/** Valid header values (RFC 9110, section 5.5), some of them entity tags. */
const FIELD_VALUE = fc.oneof(
  fc.stringMatching(/^[!-~](?:[ -~]{0,40}[!-~])?$/),
  fc.constantFrom("*", '"1"', 'W/"1", "2"'),
);

/** A server with data whose client is an admin, so that most operations are allowed. Its ids are deterministic. */
async function populated() {
  let count = 0;
  const next = <AnId extends Id<string>>() => `01a20bf4-0000-7000-8000-${String(count++).padStart(12, "0")}` as AnId;
  const { admin: asAdmin, author } = openApi(openMemoryStorage(), { ids: { next } });
  const admin = await asAdmin();
  const other = await author();
  const posts = [await admin.write({ status: "published" }), await other.write()];
  const ids: Readonly<Record<string, readonly string[]>> = {
    users: [admin.id, other.id],
    posts: posts.map(({ id }) => id),
    sessions: [admin.sessionId],
  };
  return { admin, idsAt: (path: string) => ids[path.split("/")[2] ?? ""] ?? [] };
}

/** The server of the forbidden requests. They change nothing, so one server can reject all of them. */
const { admin: unchanged, idsAt } = await populated();

/** Requests that the document allows. */
function allowed({ path, parameters, requestBody }: DocumentedOperation, ids: readonly string[]): fc.Arbitrary<Parts> {
  const values = (place: Parameter["in"]) => {
    const arbitrary = (schema: object) =>
      place === "header" && !("pattern" in schema) ? FIELD_VALUE : arbitraryOf(schema).map(String);
    const here = parameters.filter((each) => each.in === place);
    const arbitraries = here.map(({ name, schema }) => [name, arbitrary(schema)] as const);
    const requiredKeys = here.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(arbitraries), { requiredKeys });
  };
  const schema = Object.values(requestBody?.content ?? {})[0]?.schema;
  const body = schema === undefined ? fc.constant(undefined) : arbitraryOf(schema);
  return fc.record({
    path: fc
      .oneof(
        fc.constantFrom(...ids, crypto.randomUUID()),
        values("path").map(({ id }) => String(id)),
      )
      .map((id) => path.replace("{id}", id)),
    query: values("query"),
    headers: values("header").map((headers) => ({ ...headers, "Content-Type": "application/json" })),
    body: requestBody?.required === false ? fc.option(body, { nil: undefined }) : body,
  });
}

/** Requests that violate the document in exactly one way. */
function forbidden(operation: DocumentedOperation, ids: readonly string[]) {
  const { path, parameters, requestBody } = operation;
  const [schema] = Object.values(requestBody?.content ?? {}).map((mediaType) => mediaType.schema);
  const good = allowed(operation, ids).map(({ query, body }): Parts => ({
    path: path.replace("{id}", ids[0] ?? ""),
    query,
    headers: { "Content-Type": "application/json" },
    body,
  }));
  const unknown = fc
    .tuple(good, fc.string({ minLength: 1 }), fc.string())
    .filter(([, name]) => parameters.every((each) => each.name !== name))
    .map(([parts, name, value]) => ({ ...parts, query: { ...parts.query, [name]: value } }));
  const bodies = schema === undefined ? [] : [fc.jsonValue().filter((body) => !ajv.validate(schema, body))];
  const wrongBodies = bodies.map((bad) => fc.tuple(good, bad).map(([parts, body]) => ({ ...parts, body })));
  const values = parameters.filter((each) => each.in !== "path").flatMap((parameter) => wrongValues(parameter, good));
  const [sample] = fc.sample(good, 1);
  const misses = schema === undefined || sample === undefined ? [] : nearMisses(schema, sample.body ?? {});
  return {
    arbitrary: fc.oneof(unknown, ...wrongBodies, ...values),
    examples: misses.map((body): [Parts] => [{ ...(sample as Parts), body }]),
  };
}

/** Requests with a value that a parameter's schema forbids; empty if it allows every value. */
function wrongValues({ name, in: place, schema }: Parameter, good: fc.Arbitrary<Parts>): fc.Arbitrary<Parts>[] {
  const { minimum = 0, maximum = 0 } = schema as { minimum?: number; maximum?: number };
  const isWrong = (raw: string) => !readings(raw).some((value) => ajv.validate(schema, value));
  const values =
    place === "header" ? FIELD_VALUE : fc.oneof(fc.string(), fc.constantFrom(String(minimum - 1), String(maximum + 1)));
  if (!fc.sample(values, 100).some(isWrong)) return [];
  const part = place === "header" ? "headers" : "query";
  return [
    fc
      .tuple(good, values.filter(isWrong))
      .map(([parts, value]) => ({ ...parts, [part]: { ...parts[part], [name]: value } })),
  ];
}

/** The values that the text of a parameter can mean. */
function readings(raw: string): unknown[] {
  const booleans = raw === "true" || raw === "false" ? [raw === "true"] : [];
  return [raw, ...(/^-?\d+$/.test(raw) ? [Number(raw)] : []), ...booleans, raw.split(",")];
}

/** Forbidden bodies that differ in one field: a missing field, an additional field, or a value just beyond a limit. */
function nearMisses(schema: object, body: object): object[] {
  const { properties = {} } = schema as { properties?: Record<string, { minLength?: number; maxLength?: number }> };
  const misses = Object.entries(properties).flatMap(([name, { minLength = 1, maxLength = 0 }]) => {
    const { [name]: _, ...rest } = body as Record<string, unknown>;
    const texts = ["", " ", "\0", "\ud800", "\ufeff", "a".repeat(minLength - 1), "a".repeat(maxLength + 1)];
    return [rest, ...[...texts, null, 1, []].map((value) => ({ ...rest, [name]: value }))];
  });
  return [...misses, { ...body, extra: 1 }].filter((miss) => !ajv.validate(schema, miss));
}

async function send(admin: Person, { method }: DocumentedOperation, parts: Parts): Promise<Reply> {
  const query = new URLSearchParams(parts.query);
  const url = query.size === 0 ? parts.path : `${parts.path}?${query.toString()}`;
  const raw = parts.body === undefined ? {} : { raw: JSON.stringify(parts.body) };
  return admin.call(method, url, { headers: parts.headers, ...raw });
}

/** The invalid values that a validator reported although the document allows them. */
function refusedBeyond(reply: Reply): string[] {
  if (reply.status !== 422) return [];
  const { code: problem, errors } = reply.body as { code: string; errors: { pointer: string; code: string }[] };
  if (problem !== "validation_failed") return [];
  return errors
    .filter(({ code }) => !BEYOND_PATTERNS.has(code))
    .map((error) => `${error.pointer}: ${error.code}`)
    .filter((each) => !BEYOND_SCHEMAS.has(each));
}

// `documentChecker` checks each response against the document.
describe("a request that is generated from the OpenAPI document", () => {
  it.each(operations)(
    "is accepted by $operationId and never answered with 5xx if the document allows it",
    async (operation) => {
      await fc.assert(
        fc.asyncProperty(allowed(operation, idsAt(operation.path)), async (parts) => {
          const { admin } = await populated();
          const reply = await send(admin, operation, parts);
          expect(reply.status).toBeLessThan(500);
          expect([400, 405, 413, 415, 417, 431], reply.text).not.toContain(reply.status);
          expect(refusedBeyond(reply)).toEqual([]);
        }),
        { numRuns: ALLOWED_RUNS },
      );
    },
  );

  // Health checks have no parameters and no body, so they reject nothing.
  const strict = operations.filter(({ path }) => !path.includes("/health/"));

  it.each(strict)("is rejected by $operationId with 400 or 422 if the document forbids it", async (operation) => {
    const { arbitrary, examples } = forbidden(operation, idsAt(operation.path));
    await fc.assert(
      fc.asyncProperty(arbitrary, async (parts) => {
        const reply = await send(unchanged, operation, parts);
        expect([400, 422], reply.text).toContain(reply.status);
      }),
      { numRuns: FORBIDDEN_RUNS + examples.length, examples },
    );
  });
});
