import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runtimeProblem } from "../../../src/bootstrap/runtime-version.ts";
import { runtimeOf } from "../../../src/infrastructure/node/runtime.ts";

const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };

describe("runtimeProblem", () => {
  it("accepts the oldest Node of package.json and newer ones", () => {
    const oldest = engines.node.replace(">=", "");
    for (const version of [`${oldest}.0`, "20.20.2", "22.0.0", "24.11.1", process.versions.node]) {
      expect(runtimeProblem({ name: "Node.js", version })).toBeNull();
    }
  });

  it.each(["18.20.8", "20.18.3", "20.0.0", "16.20.2"])("rejects Node %s and names the required version", (version) => {
    expect(runtimeProblem({ name: "Node.js", version })).toBe(
      `Quire needs Node.js 20.19 or newer, and this is ${version}. Install a newer version of Node.js.`,
    );
  });

  it.each([
    { bun: "1.4.0", node: "26.3.0" },
    { bun: "2.0.0", node: "26.3.0" },
    { deno: "2.9.6", node: "26.3.0" },
  ])("accepts a supported version of another runtime: %o", (versions) => {
    expect(runtimeProblem(runtimeOf(versions))).toBeNull();
  });

  it.each([
    [
      { bun: "1.3.9", node: "24.3.0" },
      "Quire needs Bun 1.4 or newer, and this is 1.3.9. Install a newer version of Bun.",
    ],
    [
      { deno: "2.8.1", node: "26.3.0" },
      "Quire needs Deno 2.9 or newer, and this is 2.8.1. Install a newer version of Deno.",
    ],
  ])("rejects an older version of another runtime, whatever Node it imitates: %o", (versions, problem) => {
    expect(runtimeProblem(runtimeOf(versions))).toBe(problem);
  });
});
