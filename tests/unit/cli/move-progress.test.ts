import { describe, expect, it } from "vitest";
import { moveProgress } from "../../../src/interfaces/cli/move-progress.ts";

function shownOn(isTTY: boolean) {
  const written: string[] = [];
  let now = 0;
  const progress = moveProgress({ isTTY, write: (text: string) => void written.push(text) }, () => now);
  const after = (ms: number, moved: number) => {
    now += ms;
    progress.show({ table: "posts", moved, total: 1000 });
  };
  return { written, after, end: progress.end };
}

describe("moveProgress", () => {
  it("shows a bar on a terminal, with rows per second and the remaining time", () => {
    const { written, after, end } = shownOn(true);
    after(0, 0);
    after(1000, 250);
    end();
    expect(written[1]).toBe(`\r[${"#".repeat(8)}${".".repeat(22)}] posts: 250 of 1,000 rows, 250/s, 3 s left\u001B[K`);
    expect(written.at(-1)).toBe("\n");
  });

  it("writes a line every few seconds without a terminal", () => {
    const { written, after, end } = shownOn(false);
    after(0, 0);
    after(1000, 250);
    after(6000, 500);
    end();
    expect(written.at(-1)).toBe("posts: 500 of 1,000 rows, 71/s, 8 s left\n");
    expect(written).toHaveLength(2);
  });

  it("does not count rows of an interrupted move for the rate", () => {
    const { written, after } = shownOn(true);
    after(0, 900);
    after(1000, 910);
    expect(written.at(-1)).toContain("10/s, 9 s left");
  });

  it("shows minutes from 60 s", () => {
    const { written, after } = shownOn(true);
    after(0, 0);
    after(10_000, 100);
    expect(written.at(-1)).toContain("1 min 30 s left");
  });

  it("always shows the last update", () => {
    const { written, after } = shownOn(false);
    after(0, 0);
    after(10, 1000);
    expect(written.at(-1)).toContain("1,000 of 1,000 rows");
  });
});
