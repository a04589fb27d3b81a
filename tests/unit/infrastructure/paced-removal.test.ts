import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removePaced } from "../../../src/infrastructure/pglite/backup/paced-removal.ts";

const MIB = 1_048_576;

describe("the paced removal", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "quire-test-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("shortens large files in steps of 16 MiB, with a pause after each, before it removes a directory", async () => {
    const path = join(directory, "copy");
    const large = join(path, "base", "large");
    mkdirSync(join(path, "base"), { recursive: true });
    writeFileSync(large, Buffer.alloc(40 * MIB));
    writeFileSync(join(path, "base", "small"), Buffer.alloc(MIB));
    const sizes: number[] = [];
    await removePaced(path, async () => void sizes.push(statSync(large).size / MIB));
    expect(sizes).toEqual([24, 8]);
    expect(existsSync(path)).toBe(false);
  });

  it("removes a file", async () => {
    const path = join(directory, "file");
    writeFileSync(path, Buffer.alloc(17 * MIB));
    let pauses = 0;
    await removePaced(path, async () => void pauses++);
    expect(pauses).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it("ignores what does not exist", async () => {
    await expect(removePaced(join(directory, "missing"), async () => {})).resolves.toBeUndefined();
  });
});
