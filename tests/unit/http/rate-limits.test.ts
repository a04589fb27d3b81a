import { errAsync } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { RateLimiter, RatePolicy } from "../../../src/application/ports/rate-limiter.ts";
import { readConfig } from "../../../src/bootstrap/config.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { rateLimiter } from "../../../src/infrastructure/node/rate-limiter.ts";
import { fakeHasher } from "../../../src/testing/fake-hasher.ts";
import { testClock } from "../../../src/testing/fixtures.ts";
import { HTTP_SETTINGS, openApi, problemOf, type Api, type Person, type Reply } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const PAGE = "https://app.example.org";
const NOBODYS_POST = "/v1/posts/00000000-0000-7000-8000-000000000000";

const limited = (limits: Partial<typeof HTTP_SETTINGS>) =>
  openApi(openMemoryStorage(), { http: { ...HTTP_SETTINGS, ...limits } });
const at = (address: string) => ({ "X-Test-Address": address });

describe("rate limiting", () => {
  it("shows the cost of the request and the remaining quota in each answer", async () => {
    const { nobody } = limited({ requestsPerMinute: 3 });
    const reply = await nobody.get("/v1/posts");
    expect(reply.headers.get("RateLimit-Policy")).toBe('"address";q=3;w=60;quire-cost=1');
    expect(reply.headers.get("RateLimit")).toBe('"address";r=2;t=60');
  });

  it("refuses requests above the quota until the end of the window, with Retry-After", async () => {
    const { nobody, clock } = limited({ requestsPerMinute: 2 });
    await nobody.get("/v1/posts");
    clock.advance(20_000);
    expect((await nobody.get("/v1/posts")).status).toBe(200);
    clock.advance(500);
    const refused = await nobody.get("/v1/posts");
    expect(problemOf(refused)).toBe("429 rate_limited");
    expect(refused.headers.get("RateLimit")).toBe('"address";r=0;t=40');
    expect(refused.headers.get("Retry-After")).toBe("40");
    clock.advance(39_500);
    expect((await nobody.get("/v1/posts")).status).toBe(200);
  });

  it("counts each address separately", async () => {
    const { nobody } = limited({ requestsPerMinute: 1 });
    await nobody.get("/v1/posts");
    expect((await nobody.get("/v1/posts")).status).toBe(429);
    expect((await nobody.get("/v1/posts", at("192.0.2.2"))).status).toBe(200);
  });

  it("applies to guessed tokens before they are looked up, and to unknown paths", async () => {
    const { nobody } = limited({ requestsPerMinute: 2 });
    const guess = { Authorization: "Bearer guessed" };
    expect((await nobody.get("/v1/posts", guess)).status).toBe(401);
    expect((await nobody.get("/v1/nothing")).status).toBe(404);
    expect((await nobody.get("/v1/posts", guess)).status).toBe(429);
    expect((await nobody.get("/v1/nothing")).status).toBe(429);
  });

  it("applies to an account from any address, and to each account separately", async () => {
    const { author } = limited({ requestsPerMinute: 100 });
    const [ada, grace] = [await author(), await author()];
    for (let asked = 1; asked <= 100; asked++) {
      const reply = await ada.get("/v1/posts", at(`198.51.100.${asked}`));
      expect(reply.headers.get("RateLimit")).toBe(`"address";r=99;t=60, "account";r=${100 - asked};t=60`);
      expect(reply.headers.get("RateLimit-Policy")).toBe(
        '"address";q=100;w=60;quire-cost=1, "account";q=100;w=60;quire-cost=1',
      );
    }
    expect(problemOf(await ada.get("/v1/posts", at("198.51.100.101")))).toBe("429 rate_limited");
    expect((await grace.get("/v1/posts", at("198.51.100.101"))).status).toBe(200);
  });

  it("counts all sessions of an account together", async () => {
    const { author, logIn } = limited({ requestsPerMinute: 100 });
    const first = await author();
    const second = await logIn(first.email);
    const remaining = async (session: Person, address: string) =>
      (await session.get("/v1/posts", at(address))).headers.get("RateLimit");
    expect(await remaining(first, "198.51.100.1")).toBe('"address";r=99;t=60, "account";r=99;t=60');
    expect(await remaining(second, "198.51.100.2")).toBe('"address";r=99;t=60, "account";r=98;t=60');
  });

  it("does not apply to health checks", async () => {
    const { nobody } = limited({ requestsPerMinute: 1 });
    for (const path of ["/health/live", "/health/ready"]) {
      const reply = await nobody.get(path);
      expect(reply.status).toBe(200);
      expect(reply.headers.has("RateLimit")).toBe(false);
    }
    expect((await nobody.get("/v1/posts")).status).toBe(200);
  });

  it("does not apply to readiness, which checks the storage at most ten times a second", async () => {
    const storage = openMemoryStorage();
    let asked = 0;
    const check: typeof storage.probe.check = async () => {
      asked++;
      return storage.probe.check();
    };
    const { nobody, clock } = openApi(storage, { probe: { check } });
    await Promise.all(Array.from({ length: 50 }, async () => nobody.get("/health/ready")));
    expect((await nobody.get("/health/ready")).status).toBe(200);
    expect(asked).toBe(1);
    clock.advance(100);
    expect((await nobody.get("/health/ready")).status).toBe(200);
    expect(asked).toBe(2);
  });

  it("is off with a quota of 0", async () => {
    const { nobody } = limited({});
    const reply = await nobody.get("/v1/posts?q=word");
    expect(reply.headers.has("RateLimit")).toBe(false);
    expect(reply.headers.has("RateLimit-Policy")).toBe(false);
  });

  it("shows its headers to pages of allowed origins", async () => {
    const { nobody } = limited({ requestsPerMinute: 1, corsOrigins: [PAGE] });
    const before = { Origin: PAGE, "Access-Control-Request-Method": "GET" };
    await nobody.get("/v1/posts");
    expect((await nobody.call("OPTIONS", "/v1/posts", { headers: before })).status).toBe(204);
    const refused = await nobody.get("/v1/posts", { Origin: PAGE });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    expect(refused.headers.get("Access-Control-Expose-Headers")).toContain("RateLimit, ");
  });

  it("writes its headers as structured fields: lists of strings with integer parameters (RFC 9651)", async () => {
    const api = limited({ requestsPerMinute: 1000, logInsPerMinute: 10 });
    const ada = await api.author();
    const reply = await ada.patch(ada.path, { email: "ada@example.com", currentPassword: PASSWORD });
    expect(reply.status).toBe(200);
    const list = /^"[a-z-]+"(?:;[a-z-]+=\d{1,15})+(?:, "[a-z-]+"(?:;[a-z-]+=\d{1,15})+){3}$/;
    expect(reply.headers.get("RateLimit-Policy")).toMatch(list);
    expect(reply.headers.get("RateLimit")).toMatch(list);
  });
});

describe("the cost of a request", () => {
  const cost = (reply: { readonly headers: Headers }) =>
    /^"address";q=\d+;w=60;quire-cost=(\d+)/.exec(reply.headers.get("RateLimit-Policy") ?? "")?.[1];
  const left = (reply: { readonly headers: Headers }) =>
    Number(/^"address";r=(\d+)/.exec(reply.headers.get("RateLimit") ?? "")?.[1]);
  const open = () => limited({ requestsPerMinute: 10_000, logInsPerMinute: 1000 });

  it.each([
    [NOBODYS_POST, "1"],
    ["/v1/posts", "1"],
    ["/v1/posts?limit=20", "1"],
    ["/v1/posts?limit=21", "2"],
    ["/v1/posts?limit=100", "5"],
    ["/v1/posts?include=author", "2"],
    ["/v1/posts?count=false", "1"],
    ["/v1/posts?count=true", "21"],
    ["/v1/posts?q=word", "11"],
    ["/v1/posts?q=word&count=true&include=author&limit=100", "36"],
    ["/v1/users?limit=100", "5"],
  ])("GET %s costs %s for the address and for the account", async (path, units) => {
    const api = open();
    const ada = await api.author();
    const before = left(await ada.get(NOBODYS_POST));
    const reply = await ada.get(path);
    expect(reply.headers.get("RateLimit-Policy")).toBe(
      `"address";q=10000;w=60;quire-cost=${units}, "account";q=10000;w=60;quire-cost=${units}`,
    );
    expect(left(reply)).toBe(before - Number(units));
  });

  const POST = { title: "A title", content: "Some content" };
  const operations: Record<string, (api: Api, ada: Person) => ReturnType<Person["get"]>> = {
    "an author's posts with count=true cost 21": async (_, ada) => ada.get(`${ada.path}/posts?count=true`),
    "the list of sessions costs 1": async (_, ada) => ada.get("/v1/sessions"),
    "a log-in costs 21": async ({ nobody }, { email }) => nobody.post("/v1/sessions", { email, password: PASSWORD }),
    "a registration costs 21": async ({ nobody }) =>
      nobody.post("/v1/users", { name: "Grace", email: "grace@example.org", password: PASSWORD }),
    "a new post costs 5": async (_, ada) => ada.post("/v1/posts", POST),
    "an edit costs 5": async (_, ada) => ada.patch(`/v1/posts/${(await ada.write()).id}`, { title: "Another" }),
    "a publication costs 5": async (_, ada) => ada.post(`/v1/posts/${(await ada.write()).id}/publish`),
    "a deletion costs 5": async (_, ada) => ada.delete(`/v1/posts/${(await ada.write()).id}`),
    "a log-out costs 5": async (_, ada) => ada.delete("/v1/sessions"),
    "a new name costs 5": async (_, ada) => ada.patch(ada.path, { name: "Ada Lovelace" }),
    "a new e-mail address costs 25": async (_, ada) => ada.patch(ada.path, { email: "lovelace@example.org" }),
    "a new password costs 41": async (_, ada) =>
      ada.put(`${ada.path}/password`, { currentPassword: PASSWORD, newPassword: "another horse entirely" }),
    "the deletion of a user without posts costs 5": async (_, ada) => ada.delete(ada.path),
    "the deletion of a user with all posts costs 205": async (_, ada) => ada.delete(`${ada.path}?posts=delete`),
  };
  it.each(Object.entries(operations))("%s", async (title, operate) => {
    const api = open();
    const ada = await api.author();
    expect(cost(await operate(api, ada))).toBe(title.split(" ").at(-1));
  });

  it("is 1 when the query or the token is refused", async () => {
    const { nobody } = open();
    const wrong = await nobody.get("/v1/posts?q=word&count=true&limit=1000");
    expect([wrong.status, cost(wrong)]).toEqual([422, "1"]);
    const guessed = await nobody.get("/v1/posts?q=word", { Authorization: "Bearer guessed" });
    expect([guessed.status, cost(guessed)]).toEqual([401, "1"]);
    const anonymous = await nobody.post("/v1/posts", POST);
    expect([anonymous.status, cost(anonymous)]).toEqual([401, "1"]);
  });

  it("is charged before the storage is called", async () => {
    const storage = openMemoryStorage();
    const searched: string[] = [];
    const search: typeof storage.posts.search = async (...asked) => {
      searched.push("asked");
      return storage.posts.search(...asked);
    };
    const posts = { ...storage.posts, search };
    const { nobody } = openApi({ ...storage, posts }, { http: { ...HTTP_SETTINGS, requestsPerMinute: 20 } });
    expect((await nobody.get("/v1/posts?q=word")).status).toBe(200);
    expect((await nobody.get("/v1/posts?q=word")).status).toBe(429);
    expect(searched).toEqual(["asked"]);
  });

  it("refuses a request above the remaining quota until the end of the window, while a read passes", async () => {
    const { nobody, clock } = limited({ requestsPerMinute: 20 });
    expect((await nobody.get("/v1/posts?q=word")).status).toBe(200);
    clock.advance(10_000);
    const refused = await nobody.get("/v1/posts?q=word");
    expect(problemOf(refused)).toBe("429 rate_limited");
    expect(refused.headers.get("RateLimit-Policy")).toBe('"address";q=20;w=60;quire-cost=11');
    expect(refused.headers.get("RateLimit")).toBe('"address";r=8;t=50');
    expect(refused.headers.get("Retry-After")).toBe("50");
    expect((await nobody.get("/v1/posts")).status).toBe(200);
    clock.advance(50_000);
    expect((await nobody.get("/v1/posts?q=word")).status).toBe(200);
  });

  it("is never more than the whole quota, so that a small quota forbids no operation", async () => {
    const { nobody } = limited({ requestsPerMinute: 5 });
    const reply = await nobody.get("/v1/posts?q=word&count=true");
    expect([reply.status, cost(reply), left(reply)]).toEqual([200, "5", 0]);
    expect((await nobody.get("/v1/posts")).status).toBe(429);
  });

  it("allows a search at each of 250 key strokes a minute by default", async () => {
    const { nobody } = openApi(openMemoryStorage(), { http: readConfig({})._unsafeUnwrap().http });
    for (let stroke = 1; stroke <= 250; stroke++) {
      const reply = await nobody.get("/v1/posts?q=word&limit=10&include=author");
      expect(reply.status).toBe(200);
    }
  });

  it("is in the OpenAPI document of each operation that costs more than a read", async () => {
    const { app } = open();
    const document = (await (await app.request("/openapi.json")).json()) as {
      readonly paths: Record<string, Record<string, { readonly description?: string }>>;
    };
    const description = (path: string, method: string) => document.paths[path]?.[method]?.description;
    expect(description("/v1/posts", "get")).toContain(
      "It costs 1 unit of the rate limits, plus 1 for each 20 of `limit` beyond the first 20, 1 for `include`, 20 for `count=true`, 10 for `q`.",
    );
    expect(description("/v1/posts", "post")).toContain("It costs 1 unit of the rate limits, plus 4 for the write.");
    expect(description("/v1/users/{id}", "delete")).toContain(
      "4 for the write, 200 for `posts`, 20 for hashing the password",
    );
  });
});

describe("the limit of log-ins", () => {
  const attempt = async (api: Api, email: string, password: string, address = "192.0.2.9") =>
    (await api.nobody.post("/v1/sessions", { email, password }, at(address))).status;

  it("counts every attempt of one address with one user, in any spelling of the e-mail address", async () => {
    const api = limited({ logInsPerMinute: 3 });
    const { email } = await api.author();
    expect(await attempt(api, email, "wrong password")).toBe(401);
    expect(await attempt(api, email.toUpperCase(), PASSWORD)).toBe(201);
    expect(await attempt(api, email, "wrong password")).toBe(401);
    expect(await attempt(api, email, PASSWORD)).toBe(429);
    expect(await attempt(api, "other@example.org", "wrong password")).toBe(401);
  });

  it("does not lock out a user at another address", async () => {
    const api = limited({ logInsPerMinute: 1 });
    const { email } = await api.author();
    await attempt(api, email, "wrong password");
    expect(await attempt(api, email, "wrong password")).toBe(429);
    expect(await attempt(api, email, PASSWORD, "192.0.2.10")).toBe(201);
  });

  it("stops an address that tries many users", async () => {
    const api = limited({ logInsPerMinute: 1 });
    for (let tried = 0; tried < 10; tried++) {
      expect(await attempt(api, `user${tried}@example.org`, "password1")).toBe(401);
    }
    expect(await attempt(api, "user10@example.org", "password1")).toBe(429);
    const newcomer = { name: "Ada", email: "newcomer@example.org", password: PASSWORD };
    expect((await api.nobody.post("/v1/users", newcomer, at("192.0.2.9"))).status).toBe(429);
    expect((await api.nobody.get("/v1/posts", at("192.0.2.9"))).status).toBe(200);
  });

  it("leaves each address one attempt when many addresses try one user, so that the user can log in", async () => {
    const api = limited({ logInsPerMinute: 3 });
    const { email } = await api.author();
    api.clock.advance(60_000);
    for (let network = 1; network <= 10; network++) {
      for (let guess = 1; guess <= 3; guess++) {
        expect(await attempt(api, email, "wrong password", `198.51.100.${network}`)).toBe(401);
      }
    }
    expect(await attempt(api, email, "wrong password", "198.51.100.11")).toBe(401);
    expect(await attempt(api, email, "wrong password", "198.51.100.11")).toBe(429);
    expect(await attempt(api, email, PASSWORD, "203.0.113.1")).toBe(201);
    expect(await attempt(api, "other@example.org", "wrong password", "198.51.100.11")).toBe(401);
    api.clock.advance(60_000);
    expect(await attempt(api, email, "wrong password", "198.51.100.11")).toBe(401);
    expect(await attempt(api, email, PASSWORD, "198.51.100.11")).toBe(201);
  });

  it("does not let one address use up the attempts of the others", async () => {
    const api = limited({ logInsPerMinute: 2 });
    const { email } = await api.author();
    for (let guess = 0; guess < 40; guess++) await attempt(api, email, "wrong password");
    expect(await attempt(api, email, "wrong password", "192.0.2.10")).toBe(401);
    expect(await attempt(api, email, PASSWORD, "192.0.2.10")).toBe(201);
  });
});

describe("the limit of log-ins for re-authentication", () => {
  const passwordOf = async (person: Person, currentPassword: string, address = "192.0.2.9") =>
    person.put(`${person.path}/password`, { currentPassword, newPassword: "another horse entirely" }, at(address));

  it.each(["passwords", "log-in"])("refuses a change of the password when the count of %j fails", async (failing) => {
    let isFailing = false;
    const failure = {
      kind: "storage_failure",
      reason: "unavailable",
      isTransient: true,
      operation: "limiter.take",
    } as const;
    const clock = testClock();
    const limiter = (policy: RatePolicy): RateLimiter => {
      const counting = rateLimiter(clock, policy);
      if (policy.name !== failing) return counting;
      return { take: (...cost) => (isFailing ? errAsync({ ...failure, cause: null }) : counting.take(...cost)) };
    };
    const http = { ...HTTP_SETTINGS, logInsPerMinute: 10 };
    const { author, logIn } = openApi(openMemoryStorage(), { clock, limiter, http });
    const ada = await author();
    isFailing = true;
    const reply = await passwordOf(ada, PASSWORD);
    expect(problemOf(reply)).toBe("503 storage_unavailable");
    isFailing = false;
    expect((await logIn(ada.email)).email).toBe(ada.email);
  });

  it("counts a current password for a change of the password", async () => {
    const ada = await limited({ logInsPerMinute: 3 }).author();
    for (let guess = 1; guess <= 3; guess++) {
      const reply = await passwordOf(ada, `wrong password ${guess}`);
      expect(problemOf(reply)).toBe("403 wrong_password");
      expect(reply.headers.get("RateLimit")).toContain(`"log-in";r=${3 - guess};t=60`);
    }
    const refused = await passwordOf(ada, PASSWORD);
    expect(problemOf(refused)).toBe("429 rate_limited");
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect((await ada.get("/v1/posts", at("192.0.2.9"))).status).toBe(200);
  });

  it("counts every guess in a session from any address, and does not affect the user's other sessions", async () => {
    const api = limited({ logInsPerMinute: 3 });
    const stolen = await api.author();
    for (let guess = 1; guess <= 3; guess++) {
      const reply = await passwordOf(stolen, "wrong password", `198.51.100.${guess}`);
      expect(reply.status).toBe(403);
      // The session has fewer attempts left than the address.
      expect(reply.headers.get("RateLimit")).toContain(`"log-in";r=${3 - guess};`);
    }
    expect((await passwordOf(stolen, "wrong password", "198.51.100.4")).status).toBe(429);
    const own = await api.logIn(stolen.email);
    expect((await passwordOf(own, PASSWORD, "203.0.113.1")).status).toBe(204);
  });

  it("refuses a guess in a session without attempts, even if it is the only attempt of its address", async () => {
    const api = limited({ logInsPerMinute: 1 });
    const stolen = await api.author();
    expect((await passwordOf(stolen, "wrong password", "198.51.100.1")).status).toBe(403);
    expect((await passwordOf(stolen, "wrong password", "198.51.100.2")).status).toBe(429);
  });

  it("counts every guess at an address in any session", async () => {
    const api = limited({ logInsPerMinute: 3 });
    const first = await api.author();
    const second = await api.logIn(first.email);
    for (const session of [first, second, first])
      expect((await passwordOf(session, "wrong password")).status).toBe(403);
    expect((await passwordOf(second, PASSWORD)).status).toBe(429);
  });

  it("counts a new e-mail address, because the answer shows if it is taken, but no other change", async () => {
    const api = limited({ logInsPerMinute: 3 });
    const [ada, grace] = [await api.author(), await api.author()];
    for (let renamed = 0; renamed < 5; renamed++) {
      expect((await ada.patch(ada.path, { name: `Ada ${renamed}` }, at("192.0.2.9"))).status).toBe(200);
    }
    const changeEmail = async (email: string) =>
      ada.patch(ada.path, { email, currentPassword: PASSWORD }, at("192.0.2.9"));
    expect(problemOf(await changeEmail(grace.email))).toBe("409 email_taken");
    expect((await changeEmail("free@example.org")).status).toBe(200);
    expect(problemOf(await changeEmail(grace.email))).toBe("409 email_taken");
    expect(problemOf(await changeEmail(grace.email))).toBe("429 rate_limited");
    expect((await ada.patch(ada.path, { name: "Ada" }, at("192.0.2.9"))).status).toBe(200);
  });

  it.each<[string, (ada: Person, guess: string) => Promise<Reply>]>([
    [
      "a change of the e-mail address",
      async (ada, currentPassword) =>
        ada.patch(ada.path, { email: "ada@example.com", currentPassword }, at("192.0.2.9")),
    ],
    [
      "the deletion of oneself",
      async (ada, currentPassword) => ada.delete(ada.path, at("192.0.2.9"), { currentPassword }),
    ],
  ])("counts a current password for %s", async (_, attempted) => {
    const ada = await limited({ logInsPerMinute: 3 }).author();
    for (let guess = 1; guess <= 3; guess++) {
      expect(problemOf(await attempted(ada, `wrong password ${guess}`))).toBe("403 wrong_password");
    }
    expect(problemOf(await attempted(ada, PASSWORD))).toBe("429 rate_limited");
    expect((await ada.get("/v1/users/me")).status).toBe(200);
  });

  it("does not count a new password that an admin sets for another user", async () => {
    const api = limited({ logInsPerMinute: 2 });
    const [admin, ada] = [await api.admin(), await api.author()];
    for (let reset = 0; reset < 5; reset++) {
      const reply = await admin.put(`${ada.path}/password`, { newPassword: "another horse entirely" }, at("192.0.2.9"));
      expect(reply.status).toBe(204);
    }
  });

  it("leaves a new password that an admin sets in the limit of passwords, because it is hashed", async () => {
    const api = limited({ logInsPerMinute: 1 });
    const [admin, ada] = [await api.admin(), await api.author()];
    const reset = async (address: string) =>
      admin.put(`${ada.path}/password`, { newPassword: "another horse entirely" }, at(address));
    for (let resets = 1; resets <= 10; resets++) {
      const reply = await reset("192.0.2.9");
      expect([reply.status, reply.headers.get("RateLimit")]).toEqual([204, `"passwords";r=${10 - resets};t=60`]);
    }
    expect(problemOf(await reset("192.0.2.9"))).toBe("429 rate_limited");
    expect((await reset("192.0.2.10")).status).toBe(204);
  });

  it("counts each request once, in addition to the limit of passwords", async () => {
    const ada = await limited({ logInsPerMinute: 3 }).author();
    const reply = await passwordOf(ada, PASSWORD);
    expect(reply.headers.get("RateLimit")).toBe('"passwords";r=29;t=60, "log-in";r=2;t=60');
    const change = { email: "lovelace@example.org", currentPassword: "another horse entirely" };
    const changed = await ada.patch(ada.path, change, at("192.0.2.9"));
    expect(changed.headers.get("RateLimit")).toBe('"passwords";r=28;t=60, "log-in";r=1;t=60');
  });
});

describe("the limit of concurrent expensive requests of one address", () => {
  const SEARCH = "/v1/posts?q=word";

  /** An API whose searches end when the test ends them. */
  function openHanging(limits: Partial<typeof HTTP_SETTINGS> = { requestsPerMinute: 1000, logInsPerMinute: 1000 }) {
    const storage = openMemoryStorage();
    const ends: (() => void)[] = [];
    const search: typeof storage.posts.search = async (...asked) => {
      await new Promise<void>((end) => ends.push(end));
      return storage.posts.search(...asked);
    };
    const posts = { ...storage.posts, search };
    const api = openApi({ ...storage, posts }, { http: { ...HTTP_SETTINGS, ...limits } });
    const turns = async () => new Promise((settle) => setTimeout(settle, 0));
    const endAll = async () => {
      while (ends.length > 0) {
        ends.shift()?.();
        await turns();
      }
    };
    return { ...api, ends, turns, endAll };
  }

  it("runs two at a time, while its reads and the searches of other addresses continue", async () => {
    const { nobody, ends, turns, endAll } = openHanging();
    const searches = Array.from({ length: 5 }, async () => nobody.get(SEARCH));
    await turns();
    expect(ends).toHaveLength(2);
    expect((await nobody.get("/v1/posts")).status).toBe(200);
    const other = nobody.get(SEARCH, at("192.0.2.2"));
    await turns();
    expect(ends).toHaveLength(3);
    await endAll();
    expect((await other).status).toBe(200);
    expect((await Promise.all(searches)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  it("takes one slot for a request, even if the request charges two costs, as a new password does", async () => {
    const { author, logIn } = openHanging();
    const ada = await author();
    const sessions = await Promise.all(Array.from({ length: 4 }, async () => logIn(ada.email)));
    const replies = await Promise.all(
      sessions.map(async (session) =>
        session.put(`${ada.path}/password`, { currentPassword: "wrong password", newPassword: PASSWORD }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });

  it("applies to a request whose only expensive work is the comparison of a password", async () => {
    const ends: (() => void)[] = [];
    let isHanging = false;
    const verify: typeof fakeHasher.verify = async (...compared) => {
      if (isHanging) await new Promise<void>((end) => ends.push(end));
      return fakeHasher.verify(...compared);
    };
    const http = { ...HTTP_SETTINGS, requestsPerMinute: 1000, logInsPerMinute: 1000 };
    const { author } = openApi(openMemoryStorage(), { http, hasher: { ...fakeHasher, verify } });
    const users = [await author(), await author(), await author(), await author()];
    isHanging = true;
    const deletions = users.map(async (user) => user.leave());
    for (const left of [4, 2]) {
      await expect.poll(() => ends.length).toBe(2);
      await new Promise((settle) => setTimeout(settle, 0));
      expect(ends, `${left} of 4 requests are left`).toHaveLength(2);
      for (const end of ends.splice(0)) end();
    }
    expect((await Promise.all(deletions)).map(({ status }) => status)).toEqual([204, 204, 204, 204]);
  });

  it("does not run a request whose client disconnects before its turn", async () => {
    const { app, nobody, ends, turns, endAll } = openHanging();
    const searches = [nobody.get(SEARCH), nobody.get(SEARCH)];
    const connection = new AbortController();
    const gone = app.request(
      new Request(`http://localhost${SEARCH}`, { headers: at("192.0.2.1"), signal: connection.signal }),
    );
    await turns();
    connection.abort();
    ends.shift()?.();
    ends.shift()?.();
    await Promise.all([...searches, gone]);
    expect(ends).toEqual([]);
    const next = nobody.get(SEARCH);
    await turns();
    await endAll();
    expect((await next).status).toBe(200);
  });

  it("releases the slot of a request that fails", async () => {
    const storage = openMemoryStorage();
    const posts = { ...storage.posts, search: async () => Promise.reject(new Error("broken")) };
    const { nobody } = openApi({ ...storage, posts }, { http: { ...HTTP_SETTINGS, requestsPerMinute: 1000 } });
    const replies = await Promise.all(Array.from({ length: 6 }, async () => nobody.get(SEARCH)));
    expect(replies.map(problemOf)).toEqual(Array.from({ length: 6 }, () => "500 internal_error"));
  });

  it("does not apply when rate limits are off", async () => {
    const { nobody, ends, turns, endAll } = openHanging({});
    const searches = Array.from({ length: 5 }, async () => nobody.get(SEARCH));
    await turns();
    expect(ends).toHaveLength(5);
    await endAll();
    await Promise.all(searches);
  });
});
