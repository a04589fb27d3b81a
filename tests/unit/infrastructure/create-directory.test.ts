import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDirectory } from "../../../src/infrastructure/pglite/directory/create-directory.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-create-"));
});
afterEach(async () => rm(directory, { recursive: true }));

describe("createDirectory", () => {
  it("creates all missing parents, each for this user alone", async () => {
    await createDirectory(join(directory, "a", "b", "c"));
    for (const path of ["a", "a/b", "a/b/c"]) expect((await stat(join(directory, path))).mode & 0o777).toBe(0o700);
  });

  it("leaves an existing directory as it is", async () => {
    const path = join(directory, "a");
    await mkdir(path, { mode: 0o755 });
    await createDirectory(path);
    expect((await stat(path)).mode & 0o777).toBe(0o755);
  });

  it("lets many callers create one directory at the same time", async () => {
    const path = join(directory, "a", "b");
    await Promise.all(Array.from({ length: 20 }, async () => createDirectory(path)));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it("fails with the error of the operating system", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await symlink(join(directory, "missing"), join(directory, "link"));
    await expect(createDirectory(file)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(createDirectory(join(file, "a", "b"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(createDirectory(join(directory, "link"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(createDirectory(join(directory, "link", "a"))).rejects.toMatchObject({ code: "EEXIST" });
  });

  it.runIf(existsSync("/proc/self"))("fails in a directory that answers ENOENT, as /proc does", async () => {
    for (const path of ["/proc/nowhere", "/proc/nowhere/a/b"]) {
      await expect(createDirectory(path)).rejects.toMatchObject({ code: "ENOENT" });
    }
  });
});
