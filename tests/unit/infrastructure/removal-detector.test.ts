import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { detectRemoval, type RemovalDetector } from "../../../src/infrastructure/pglite/directory/removal-detector.ts";

let parent: string;
let directory: string;
let detector: RemovalDetector;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "quire-removal-"));
  directory = join(parent, "data");
  await mkdir(directory);
  detector = detectRemoval(directory);
});
afterEach(async () => {
  detector.stop();
  await rm(parent, { recursive: true });
});

describe("the detector of a removed data directory", () => {
  it.each([
    ["it was removed", async () => rm(directory, { recursive: true })],
    [
      "another directory of the same disk has its path",
      async () => {
        await rename(directory, join(parent, "renamed"));
        await mkdir(directory);
      },
    ],
  ])("reports the directory when %s", async (_, remove) => {
    await remove();
    expect(await detector.gone).toEqual({ kind: "data_directory_gone", directory });
  });
});
