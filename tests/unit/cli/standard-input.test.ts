import { describe, expect, it } from "vitest";
import { readInput } from "../../../src/interfaces/cli/standard-input.ts";

async function* inputOf(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
}

describe("standard input", () => {
  it("keeps a byte order mark, so that a password with one is refused and not changed", async () => {
    expect((await readInput(inputOf("\ufeffcorrect horse\n")))._unsafeUnwrap()).toBe("\ufeffcorrect horse\n");
  });

  it("may divide a character between two chunks", async () => {
    const [first, ...rest] = new TextEncoder().encode("é");
    const chunks = [Uint8Array.of(first ?? 0), Uint8Array.from(rest)];
    expect((await readInput(inputOf(...chunks)))._unsafeUnwrap()).toBe("é");
  });

  it("may have 65,536 bytes, and no more", async () => {
    expect((await readInput(inputOf("x".repeat(65_535), "x")))._unsafeUnwrap()).toHaveLength(65_536);
    expect((await readInput(inputOf("x".repeat(65_535), "xx")))._unsafeUnwrapErr()).toEqual({
      kind: "input_refused",
      detail: "Standard input has more than 65536 bytes.",
    });
  });

  it("is refused if it is not UTF-8", async () => {
    expect((await readInput(inputOf(Uint8Array.of(0xff))))._unsafeUnwrapErr()).toEqual({
      kind: "input_refused",
      detail: "Standard input is not UTF-8.",
    });
  });
});
