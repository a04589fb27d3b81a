import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { nodeProblem } from "../../../src/bootstrap/node-version.ts";

const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };

describe("nodeProblem", () => {
  it("accepts the oldest Node of package.json and newer ones", () => {
    const oldest = engines.node.replace(">=", "");
    for (const version of [`${oldest}.0`, "20.20.2", "22.0.0", "24.11.1", process.versions.node]) {
      expect(nodeProblem(version)).toBeNull();
    }
  });

  it.each(["18.20.8", "20.18.3", "20.0.0", "16.20.2"])("rejects Node %s and names the required version", (version) => {
    expect(nodeProblem(version)).toBe(
      `Quire needs Node.js 20.19 or newer, and this is ${version}. Install a newer version of Node.js.`,
    );
  });
});
