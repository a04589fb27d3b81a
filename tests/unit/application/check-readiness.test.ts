import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import { checkReadiness } from "../../../src/application/check-readiness.ts";
import { openQuire, OUTAGE } from "./support.ts";

const STATUS = { durability: "fsync", writable: true } as const;

describe("checkReadiness", () => {
  it("succeeds when the storage answers", async () => {
    const { app } = await openQuire();
    expect((await app.checkReadiness()).isOk()).toBe(true);
  });

  it.each([
    ["schema_outdated", { kind: "schema_outdated" } as const],
    ["storage_failure", OUTAGE],
  ] as const)("returns the failure %s of the storage", async (_kind, failure) => {
    const check = checkReadiness({ probe: { check: async () => err(failure) } });
    expect((await check())._unsafeUnwrapErr()).toBe(failure);
  });

  it("checks the storage at every call", async () => {
    let up = false;
    const check = checkReadiness({ probe: { check: async () => (up ? ok(STATUS) : err(OUTAGE)) } });
    expect((await check()).isOk()).toBe(false);
    up = true;
    expect((await check()).isOk()).toBe(true);
  });
});
