import { describe, expect, it } from "vitest";
import { kernelLock } from "../../../src/infrastructure/pglite/directory/kernel-lock.ts";

describe("kernelLock", () => {
  it.each(["darwin", "linux", "win32"] as const)("exists in Node on %s", (platform) => {
    expect(kernelLock("Node.js", platform).isOk()).toBe(true);
  });

  it.each([
    { runtime: "Bun", platform: "darwin" },
    { runtime: "Deno", platform: "win32" },
  ] as const)("is unavailable in $runtime on $platform", ({ runtime, platform }) => {
    const refused = kernelLock(runtime, platform);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "kernel_lock_unavailable", runtime, platform });
  });
});
