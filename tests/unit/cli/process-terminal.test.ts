import { afterEach, describe, expect, it, vi } from "vitest";
import { processTerminal } from "../../../src/interfaces/cli/process-terminal.ts";

afterEach(() => void vi.restoreAllMocks());

describe("the terminal of the process", () => {
  it("reports that the reader has closed standard output, and writes nothing more to it", () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const terminal = processTerminal((line) => line);
    const isFirstRead = terminal.print("first");
    vi.spyOn(process.stdout, "writable", "get").mockReturnValue(false);
    const isSecondRead = terminal.print("second");
    expect([isFirstRead, isSecondRead]).toEqual([true, false]);
    expect(write.mock.calls).toEqual([["first\n"]]);
  });
});
