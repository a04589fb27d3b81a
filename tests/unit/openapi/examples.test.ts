import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import type { Id } from "../../../src/domain/shared/id.ts";
import type { SessionToken } from "../../../src/domain/session/session.ts";
import { openApi } from "../../support/api.ts";
import { nextId, testClock } from "../../../src/testing/fixtures.ts";
import { operationsOf, readDocument, type DocumentedOperation } from "../../support/openapi.ts";

interface Example {
  readonly id: string;
  readonly token: string;
  readonly createdAt: string;
}

const operations = operationsOf(await readDocument(openApi(openMemoryStorage()).app));
const find = (id: string) => operations.find(({ operationId }) => operationId === id) as DocumentedOperation;
const parameterOf = (id: string, name: string) =>
  String(find(id).parameters.find((each) => each.name === name)?.example);
const bodyOf = (id: string) => exampleAnswer(find(id)).body as Example;

const HEADER_VALUES: Readonly<Record<string, string>> = {
  "If-Match": '"1"',
  "If-None-Match": '"1"',
  "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324",
  "X-Request-Id": "bda45c6c-a99a-4cfa-a0da-b0956710a934",
};

/** The ids in the examples of the document. */
const IDS = {
  ada: parameterOf("getUser", "id"),
  grace: bodyOf("registerUser").id,
  session: parameterOf("revokeSession", "id"),
  published: parameterOf("getPost", "id"),
  draft: parameterOf("publishPost", "id"),
};

/** The answer in the example of an operation: its success with the highest status, so 204 and not 202. */
function exampleAnswer({ responses }: DocumentedOperation) {
  const [status = "", answer] = Object.entries(responses).findLast(([each]) => Number(each) < 300) ?? [];
  return { status: Number(status), body: answer?.content?.["application/json"]?.example };
}

/** A server with the data of the examples, except the resource that the operation creates. */
async function serverFor(operation: DocumentedOperation) {
  const made =
    operation.operationId === "listUsers" ? undefined : (exampleAnswer(operation).body as Example | undefined)?.id;
  const isMade = (id: string) => id === made && exampleAnswer(operation).status === 201;
  let next: string | null = null;
  let token: string | null = null;
  const { nobody, client } = openApi(openMemoryStorage(), {
    clock: testClock(new Date(bodyOf("getPost").createdAt)),
    ids: { next: <AnId extends Id<string>>() => (next ?? nextId()) as AnId },
    tokens: {
      ...nodeSessionTokens,
      issue: async () => {
        if (token === null) return nodeSessionTokens.issue();
        return { token: token as SessionToken, digest: await nodeSessionTokens.digest(token) };
      },
    },
    probe: { check: async () => ok({ durability: "fsync", writable: true } as const) },
  });
  const password = "correct horse battery staple";
  const register = async (id: string, name: string) => {
    next = id;
    if (!isMade(id)) await nobody.post("/v1/users", { name, email: `${name.toLowerCase()}@example.org`, password });
  };
  await register(IDS.ada, "Ada");
  await register(IDS.grace, "Grace");
  next = isMade(IDS.session) ? null : IDS.session;
  token = isMade(IDS.session) ? null : bodyOf("logIn").token;
  const session = await nobody.post("/v1/sessions", { email: "ada@example.org", password });
  const ada = client({ Authorization: `Bearer ${(session.body as Example).token}` });
  const write = async (id: string, fields: object) => {
    next = id;
    if (!isMade(id)) expect((await ada.post("/v1/posts", fields)).status).toBe(201);
  };
  await write(IDS.published, { title: "Hello, world", content: "First words.", status: "published" });
  await write(IDS.draft, { title: "A draft", content: "First words." });
  next = made ?? null;
  token = bodyOf("logIn").token;
  return operation.security.some((each) => !("bearer" in each)) || operation.security.length === 0 ? nobody : ada;
}

function requestOf({ path, parameters, requestBody }: DocumentedOperation, headers: Readonly<Record<string, string>>) {
  const value = (place: string) => parameters.filter((each) => each.in === place && each.example !== undefined);
  const filled = value("path").reduce((url, { name, example }) => url.replace(`{${name}}`, String(example)), path);
  const query = new URLSearchParams(
    value("query").map(({ name, example }): [string, string] => [name, String(example)]),
  );
  const [mediaType, body] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  return {
    url: query.size === 0 ? filled : `${filled}?${query.toString()}`,
    call: {
      headers: { ...headers, ...(mediaType === undefined ? {} : { "Content-Type": mediaType }) },
      ...(body === undefined ? {} : { raw: JSON.stringify(body.example) }),
    },
  };
}

describe("the OpenAPI document", () => {
  it.each(operations)("shows the request and the answer of $operationId as its examples", async (operation) => {
    const { url, call } = requestOf(operation, {});
    const reply = await (await serverFor(operation)).call(operation.method, url, call);
    const { status, body } = exampleAnswer(operation);
    expect({ status: reply.status, body: reply.body }).toEqual({ status, body });
  });

  const queries = operations
    .filter(({ method }) => method === "GET")
    .flatMap((operation) =>
      operation.parameters.flatMap(({ name, schema: { examples = [] } }) =>
        examples.map((example) => ({ operation, name, example })),
      ),
    );

  it.each(queries)(
    "has an example of '$name' that finds an item with $operation.operationId",
    async ({ operation, name, example }) => {
      const { url, call } = requestOf(operation, {});
      const path = `${url.split("?")[0]}?${new URLSearchParams({ [name]: example }).toString()}`;
      const reply = await (await serverFor(operation)).call(operation.method, path, call);
      expect(reply.body).toHaveProperty("items.0.id");
    },
  );

  it("has an example of a search", () => {
    expect(queries.map(({ operation, name }) => `${operation.operationId} ${name}`)).toContain("listPosts q");
  });

  const headers = operations.flatMap((operation) =>
    operation.parameters.filter((each) => each.in === "header").map(({ name }) => ({ operation, name })),
  );

  it.each(headers)(
    "has an example of $operation.operationId that also succeeds with the header $name",
    async ({ operation, name }) => {
      const { url, call } = requestOf(operation, { [name]: HEADER_VALUES[name] ?? "" });
      const reply = await (await serverFor(operation)).call(operation.method, url, call);
      // A precondition of a read may not hold.
      const otherwise = name.startsWith("If-") ? [304] : [];
      expect([exampleAnswer(operation).status, ...otherwise]).toContain(reply.status);
    },
  );

  it("has no example of a header", () => {
    const inHeaders = operations.flatMap(({ parameters }) => parameters.filter((each) => each.in === "header"));
    expect(inHeaders.filter(({ example, schema }) => example !== undefined || schema.examples !== undefined)).toEqual(
      [],
    );
  });
});
