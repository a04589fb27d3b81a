import { describe, expect, it } from "vitest";
import { DAY_MS, testClock } from "../../../src/testing/fixtures.ts";
import { testApp } from "../../../src/testing/test-app.ts";

describe("testApp", () => {
  it("has authors and admins with sessions, and a log of their requests", async () => {
    const { app, author, admin, log } = testApp();
    for (const [role, { user, headers }] of [
      ["author", await author()],
      ["admin", await admin()],
    ] as const) {
      const me = await app.request("/v1/users/me", { headers });
      expect(await me.json()).toMatchObject({ id: user.id, role, email: user.email });
    }
    expect(log.lines.map(({ message }) => message)).toEqual(["request", "request"]);
  });

  it("takes its times from the clock of the test", async () => {
    const clock = testClock(new Date("2030-01-01T00:00:00Z"));
    const { app, author } = testApp({ clock });
    const { headers } = await author();
    const body = JSON.stringify({ title: "Hello", content: "First words." });
    const created = await app.request("/v1/posts", { method: "POST", headers, body });
    expect(await created.json()).toMatchObject({ createdAt: "2030-01-01T00:00:00.000Z" });
    clock.advance(365 * DAY_MS);
    expect((await app.request("/v1/users/me", { headers })).status).toBe(401);
  });

  it("has no rate limits, unless its settings name one", async () => {
    const limited = testApp({ http: { requestsPerMinute: 1 } });
    const statuses = [];
    for (const { app } of [limited, limited, testApp(), testApp()])
      statuses.push((await app.request("/v1/posts")).status);
    expect(statuses).toEqual([200, 429, 200, 200]);
  });
});
