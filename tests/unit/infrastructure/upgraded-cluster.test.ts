import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recogniseDirectory } from "../../../src/infrastructure/pglite/directory/recognise.ts";
import { commitUpgrade, finishUpgrade } from "../../../src/infrastructure/pglite/directory/upgraded-cluster.ts";

const KEPT = "quire.before-upgrade";
const UPGRADED = "cluster.upgraded";
const OLD_FILES = ["quire.json", "quire.acknowledged", "quire.files.json", "cluster"];

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-upgraded-"));
  await writeOld();
});
afterEach(async () => rm(directory, { recursive: true }));

async function writeOld(): Promise<void> {
  for (const name of OLD_FILES.slice(0, -1)) await writeFile(join(directory, name), "old");
  await writeFile(join(directory, "quire.reserve"), "reserve");
  await writeCluster(join(directory, "cluster"), "old");
}

async function writeCluster(path: string, version: string): Promise<void> {
  await mkdir(path);
  await writeFile(join(path, "PG_VERSION"), version);
}

async function expectUpgraded(): Promise<void> {
  expect((await readdir(directory)).toSorted()).toEqual(["cluster", KEPT, "quire.reserve"]);
  expect((await readdir(join(directory, KEPT))).toSorted()).toEqual(OLD_FILES.toSorted());
  expect(await readFile(join(directory, "cluster", "PG_VERSION"), "utf8")).toBe("new");
  expect(await readFile(join(directory, KEPT, "cluster", "PG_VERSION"), "utf8")).toBe("old");
}

describe("the replacement of a cluster by an upgraded one", () => {
  it("moves the new cluster into place, and keeps the old one with its files", async () => {
    const scratch = join(directory, "quire.backup");
    await mkdir(scratch);
    await writeCluster(join(scratch, "cluster"), "new");
    await commitUpgrade(join(scratch, "cluster"), directory);
    await rm(scratch, { recursive: true });
    await expectUpgraded();
  });

  it("is finished after a kill between any two of its steps", async () => {
    for (let steps = 0; steps <= OLD_FILES.length + 1; steps++) {
      await rm(directory, { recursive: true });
      await mkdir(directory);
      await writeOld();
      await writeCluster(join(directory, UPGRADED), "new");
      if (steps > 0) await mkdir(join(directory, KEPT));
      for (const name of OLD_FILES.slice(0, Math.max(steps - 1, 0))) {
        await rename(join(directory, name), join(directory, KEPT, name));
      }
      // No server takes the directory for an empty or a foreign one.
      expect(recogniseDirectory(directory)._unsafeUnwrap()).toBe("used");
      expect(await finishUpgrade(directory)).toBe(true);
      await expectUpgraded();
    }
  });

  it("changes nothing without an upgraded cluster", async () => {
    const before = await readdir(directory);
    expect(await finishUpgrade(directory)).toBe(false);
    expect(await readdir(directory)).toEqual(before);
  });
});
