import { expect } from "vitest";
import type { Storage } from "../../src/application/ports/storage.ts";
import { readConfig } from "../../src/bootstrap/config.ts";
import type { EmailAddress } from "../../src/domain/user/email-address.ts";
import type { Role } from "../../src/domain/user/user.ts";
import { FAKE_HASH } from "../../src/testing/fake-hasher.ts";
import { email, name, password, type TestClock } from "../../src/testing/fixtures.ts";
import { PASSWORD, testApp, type TestAppOptions } from "../../src/testing/test-app.ts";
import { documentChecker, readDocument } from "./openapi.ts";

/** The settings of the API for a test that overrides some of them. */
export const HTTP_SETTINGS = { ...readConfig({})._unsafeUnwrap().http, requestsPerMinute: 0, logInsPerMinute: 0 };

export interface UserBody {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: Role | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface PostBody {
  readonly id: string;
  readonly title: string;
  readonly content: string;
  readonly status: "draft" | "published";
  readonly authorId: string;
  readonly publishedAt: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface LogInBody {
  readonly id: string;
  readonly token: string;
  readonly expiresAt: string;
  readonly user: UserBody;
}

export interface PageBody {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
}

/** An answer that {@link checkPromises} has already checked. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; `undefined` without a body. */
  readonly body: unknown;
}

export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, with the content type of JSON. */
  readonly json?: unknown;
  /** Sent unchanged. `headers` may set the content type; there is no default. */
  readonly raw?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

export interface Client {
  call(method: string, path: string, call?: Call): Promise<Reply>;
  get(path: string, headers?: Call["headers"]): Promise<Reply>;
  post(path: string, json?: unknown, headers?: Call["headers"]): Promise<Reply>;
  put(path: string, json: unknown, headers?: Call["headers"]): Promise<Reply>;
  patch(path: string, json: unknown, headers?: Call["headers"]): Promise<Reply>;
  delete(path: string, headers?: Call["headers"], json?: unknown): Promise<Reply>;
}

/** A client that sends the token of a user's session. */
export interface Person extends Client {
  readonly user: UserBody;
  /** The user's e-mail address, as the user's own profile shows it. */
  readonly email: string;
  readonly id: string;
  readonly token: string;
  readonly sessionId: string;
  /** The path of the user. */
  readonly path: string;
  /** Creates a post, and returns it as the server answered it. */
  write(fields?: Partial<Pick<PostBody, "title" | "content" | "status" | "publishedAt">>): Promise<PostBody>;
  /** Deletes this user, with the password. `query` decides about the user's posts. */
  leave(query?: string, headers?: Call["headers"]): Promise<Reply>;
}

/** How a test reaches an API, in this process or in another one. */
interface Server {
  readonly request: (path: string, init: RequestInit) => Promise<Response>;
  /** Checks an answer beyond the promises of every answer. */
  readonly check: (method: string, path: string, reply: Reply) => Promise<void>;
  /** Creates an admin with {@link PASSWORD}. The operator of the server makes one, because HTTP alone creates no admin. */
  readonly createAdmin: (address: EmailAddress) => Promise<void>;
}

export type Api = ReturnType<typeof openApi>;

/** Adapters and settings that differ from those of a test, and ports that differ from those of the storage. */
type ApiOptions = Omit<TestAppOptions, "storage" | "log"> & Partial<Storage>;

export type OpenApi = (overrides?: ApiOptions) => Promise<Api>;

/** An API of which a test has nothing but its clients, its clock and its settings. */
export interface RemoteApi extends ReturnType<typeof clientsOf> {
  readonly clock: TestClock;
}

export type OpenRemoteApi = (overrides?: Pick<ApiOptions, "http" | "registration">) => Promise<RemoteApi>;

let people = 0;

/** The API on a storage, with the adapters of a test, and clients that call it and check every answer. */
export function openApi(storage: Storage, overrides: ApiOptions = {}) {
  const clientAddress: ApiOptions["clientAddress"] = (c) => c.req.header("X-Test-Address") ?? "192.0.2.1";
  const options = { clientAddress, ...overrides, storage: { ...storage, ...overrides } };
  const { app, useCases, clock, log } = testApp(options);

  const checkLogged = (method: string, { status, headers }: Reply) => {
    const requestId = headers.get("X-Request-Id");
    const logged = log.lines.map(({ fields }) => fields);
    const expected: unknown = expect.objectContaining({ requestId, method, status });
    expect(logged, "every answer is logged with its request id").toContainEqual(expected);
  };

  const clients = clientsOf({
    request: async (path, init) => app.request(path, init),
    check: async (method, path, reply) => {
      checkLogged(method, reply);
      await checkDocumented(method, path, reply, options.http);
    },
    createAdmin: async (address) => {
      const fields = { name: name("Root"), email: address, password: password(PASSWORD), role: "admin" as const };
      (await useCases.createUser(fields))._unsafeUnwrap();
    },
  });
  return { app, clock, log, ...clients };
}

/** Clients of an API that check every answer. */
export function clientsOf({ request, check, createAdmin }: Server) {
  const client = (identity: Readonly<Record<string, string>>): Client => {
    const call: Client["call"] = async (method, path, { headers, json, raw } = {}) => {
      const body = json === undefined ? raw : JSON.stringify(json);
      const contentType = json === undefined ? {} : { "Content-Type": "application/json" };
      const sent = { ...contentType, ...identity, ...headers };
      const response = await request(path, {
        method,
        headers: sent,
        // A stream must be sent half duplex (https://fetch.spec.whatwg.org/#dom-requestinit-duplex).
        ...(body === undefined ? {} : { body, duplex: "half" }),
      });
      const reply = await readReply(response);
      checkPromises(method, sent, reply);
      await check(method, path, reply);
      return reply;
    };
    return {
      call,
      get: async (path, headers = {}) => call("GET", path, { headers }),
      post: async (path, json, headers = {}) =>
        call("POST", path, { headers, ...(json === undefined ? {} : { json }) }),
      put: async (path, json, headers = {}) => call("PUT", path, { headers, json }),
      patch: async (path, json, headers = {}) => call("PATCH", path, { headers, json }),
      delete: async (path, headers = {}, json) =>
        call("DELETE", path, { headers, ...(json === undefined ? {} : { json }) }),
    };
  };

  const nobody = client({});

  const logIn = async (address: string, plain = PASSWORD): Promise<Person> => {
    const reply = await nobody.post("/v1/sessions", { email: address, password: plain });
    expect(reply.status).toBe(201);
    const { id: sessionId, token, user } = reply.body as LogInBody;
    const own = client({ Authorization: `Bearer ${token}` });
    return {
      ...own,
      user,
      email: address,
      id: user.id,
      token,
      sessionId,
      path: `/v1/users/${user.id}`,
      write: async (fields = {}) => {
        const written = await own.post("/v1/posts", { title: "A title", content: "Some content", ...fields });
        expect(written.status).toBe(201);
        return written.body as PostBody;
      },
      leave: async (query = "", headers = {}) =>
        own.delete(`/v1/users/${user.id}${query}`, headers, { currentPassword: plain }),
    };
  };

  return {
    nobody,
    client,
    logIn,
    /** A user who has registered and logged in. A published post makes the user public. */
    author: async (): Promise<Person> => {
      const address = `author${++people}@example.org`;
      const reply = await nobody.post("/v1/users", { name: "Ada", email: address, password: PASSWORD });
      expect(reply.status).toBe(201);
      return logIn(address);
    },
    /** A client with the session of a new admin. */
    admin: async (): Promise<Person> => {
      const address = `admin${++people}@example.org`;
      await createAdmin(email(address));
      return logIn(address);
    },
  };
}

const checkers = new Map<string, Promise<ReturnType<typeof documentChecker>>>();

/**
 * Checks an answer against the OpenAPI document of an API with these settings. The document is read from an API of its own, whose
 * log is not checked.
 */
export async function checkDocumented(
  method: string,
  path: string,
  reply: Reply,
  http: TestAppOptions["http"] = {},
): Promise<void> {
  const settings = JSON.stringify(http);
  const checker = checkers.get(settings) ?? readDocument(testApp({ http }).app).then(documentChecker);
  checkers.set(settings, checker);
  (await checker)(method, path, reply);
}

async function readReply(response: Response): Promise<Reply> {
  const { status, headers } = response;
  const isGzip = headers.get("Content-Encoding") === "gzip" && response.body !== null;
  const plain = isGzip ? new Response(response.body?.pipeThrough(new DecompressionStream("gzip"))) : response;
  const text = await plain.text();
  return { status, headers, text, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
}

/** The promises of every answer. Every call checks them, so that no test can omit them. */
function checkPromises(method: string, sent: Call["headers"], { status, headers, text, body }: Reply): void {
  expect(headers.get("X-Request-Id")).toMatch(/^[\w\-=]{1,64}$/);
  expect(headers.get("Vary")).toMatch(
    /^Authorization, Accept-Encoding(?:, Origin)?(?:, Access-Control-Request-Method, Access-Control-Request-Headers)?$/,
  );
  expect(headers.get("Content-Security-Policy")).toBe("default-src 'none'; frame-ancestors 'none'");
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("Referrer-Policy")).toBe("no-referrer");
  expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
  const shared = sent?.["Authorization"] === undefined && (method === "GET" || method === "HEAD");
  const cacheable = shared ? "public, no-cache" : "private, no-cache";
  expect(["no-store", cacheable]).toContain(headers.get("Cache-Control"));
  expect(text).not.toContain(FAKE_HASH);
  if (status === 201) expect(headers.get("Location")).toMatch(/^(?:\/blog)?\/v1\//);
  if (status === 202 || status === 204 || status === 304 || method === "HEAD") {
    expect(text).toBe("");
    return;
  }
  if (status < 400) {
    expect(headers.get("Content-Type")).toBe("application/json");
    return;
  }
  expect(headers.get("Content-Type")).toBe("application/problem+json");
  expect(headers.get("Cache-Control")).toBe("no-store");
  expect(body).toEqual({
    type: "about:blank",
    title: expect.stringMatching(/./) as string,
    status,
    detail: expect.stringMatching(/./) as string,
    code: expect.stringMatching(/^[a-z][a-z0-9_]+$/) as string,
    requestId: headers.get("X-Request-Id"),
    ...(status === 422 ? { errors: expect.any(Array) as unknown } : {}),
  });
  if (status === 422) checkFieldErrors((body as { errors: readonly { pointer: string }[] }).errors);
  if (status === 401) expect(headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="quire"/);
  if (status === 429) expect(headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
  if (status === 405) expect(headers.get("Allow")).toMatch(/\bOPTIONS\b/);
}

function checkFieldErrors(errors: readonly { readonly pointer: string }[]): void {
  expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) {
    expect(error).toEqual({
      in: expect.stringMatching(/^(?:body|query|header)$/) as string,
      pointer: expect.stringMatching(/^(?:\/|$)/) as string,
      code: expect.stringMatching(/^[a-z][a-z0-9_]+$/) as string,
      detail: expect.stringMatching(/./) as string,
    });
  }
  const pointers = errors.map(({ pointer }) => pointer);
  expect(new Set(pointers).size, "one entry per field").toBe(pointers.length);
}

/** The field errors of a 422, as `pointer: code`. */
export function fieldCodes(reply: Reply): string[] {
  const { errors = [] } = reply.body as { errors?: readonly { readonly pointer: string; readonly code: string }[] };
  return errors.map(({ pointer, code }) => `${pointer}: ${code}`);
}

/** The status and the `code` of a problem, which identify the error. */
export function problemOf(reply: Reply): string {
  const { code } = reply.body as { code: string };
  return `${reply.status} ${code}`;
}

export function toPage(reply: Reply): PageBody {
  expect(reply.status).toBe(200);
  return reply.body as PageBody;
}

/** The path of the next page in the Link header (RFC 8288); `null` at the end of the list. */
export function nextLink(reply: Reply): string | null {
  return linkOf(reply, "next");
}

/** The path of the previous page in the Link header; `null` at the beginning of the list. */
export function previousLink(reply: Reply): string | null {
  return linkOf(reply, "prev");
}

function linkOf(reply: Reply, rel: "next" | "prev"): string | null {
  const links = reply.headers.get("Link")?.split(", ") ?? [];
  for (const link of links) expect(link).toMatch(/^<[^<>]+>; rel="(?:next|prev)"$/);
  expect(new Set(links).size).toBe(links.length);
  const link = links.find((each) => each.endsWith(`; rel="${rel}"`));
  return link === undefined ? null : link.slice(1, link.indexOf(">"));
}
