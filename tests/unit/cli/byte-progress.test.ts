import { describe, expect, it } from "vitest";
import { byteProgress } from "../../../src/interfaces/cli/byte-progress.ts";

const MIB = 1_048_576;

function shownOn(isTTY: boolean) {
  const written: string[] = [];
  let now = 0;
  const progress = byteProgress({ isTTY, write: (text: string) => void written.push(text) }, () => now);
  const after = (ms: number, step: "copy" | "check", mib: number, total = 100) => {
    now += ms;
    progress.show({ step, bytes: mib * MIB, total: total * MIB });
  };
  return { written, after, progress };
}

describe("byteProgress", () => {
  it("shows a bar on a terminal, and clears its line at the end", () => {
    const { written, after, progress } = shownOn(true);
    after(0, "copy", 0);
    after(50, "copy", 10);
    after(100, "copy", 50);
    progress.end();
    expect(written).toEqual([
      `\r[${".".repeat(30)}] copying the database\u001B[K`,
      `\r[${"#".repeat(15)}${".".repeat(15)}] copying the database: 50 of 100 MiB\u001B[K`,
      "\r\u001B[K",
    ]);
  });

  it("writes a line for each step without a terminal, and one every five seconds", () => {
    const { written, after, progress } = shownOn(false);
    after(0, "copy", 0);
    after(1000, "copy", 10);
    after(5000, "copy", 20);
    after(1, "check", 0, 0);
    progress.end();
    expect(written).toEqual([
      "copying the database\n",
      "copying the database: 20 of 100 MiB\n",
      "checking every row and every index\n",
    ]);
  });

  it("shows the checks of a verification as parts of a bar", () => {
    const { written, progress } = shownOn(true);
    progress.show({ step: "verify", check: "indexes", number: 4, total: 6 });
    expect(written).toEqual([`\r[${"#".repeat(15)}${".".repeat(15)}] checking: indexes\u001B[K`]);
  });
});
