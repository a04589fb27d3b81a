import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { installOldPackage } from "../../../src/infrastructure/pglite/upgrade/old-package.ts";
import { OLD_RELEASES, PGLITE } from "../../../src/infrastructure/pglite/upgrade/old-releases.ts";

const RELEASE = { version: "0.4.6", integrity: "sha512-abc", databases: ["postgres"] } as const;
const { signal } = new AbortController();

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-npm-"));
  await mkdir(join(directory, "bin"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Puts a program in place of npm. */
async function replaceNpm(script: string): Promise<void> {
  const npm = join(directory, "bin", "npm");
  await writeFile(npm, `#!/bin/sh\n${script}\n`);
  await chmod(npm, 0o755);
  vi.stubEnv("PATH", `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`);
}

const install = async () => installOldPackage(RELEASE, join(directory, "pglite"), signal);

describe("the installation of an older PGlite", () => {
  it("gives npm the exact version and its checksum, and lets it run no script of the package", async () => {
    await replaceNpm('printf "%s " "$@" > arguments; cp package-lock.json given.json');
    const installed = (await install())._unsafeUnwrap();
    const folder = join(directory, "pglite");
    expect(installed).toBe(join(folder, "node_modules", PGLITE));
    expect(await readFile(join(folder, "arguments"), "utf8")).toMatch(/^ci --prefix=\S+\/pglite --ignore-scripts /);
    expect(JSON.parse(await readFile(join(folder, "given.json"), "utf8"))).toMatchObject({
      packages: {
        "": { dependencies: { [PGLITE]: "0.4.6" } },
        [`node_modules/${PGLITE}`]: { version: "0.4.6", integrity: "sha512-abc" },
      },
    });
  });

  it("fails with the reason of npm when the checksum of the package differs", async () => {
    const lines = ["npm warn old", "npm error code EINTEGRITY", "npm error A complete log of this run is in /x"];
    await replaceNpm(`echo '${lines.join("\n")}' >&2; exit 1`);
    expect((await install())._unsafeUnwrapErr()).toEqual({
      kind: "old_package_unavailable",
      version: "0.4.6",
      detail: "code EINTEGRITY",
    });
  });

  it("throws when it is cancelled", async () => {
    await replaceNpm("sleep 60");
    const stopping = new AbortController();
    const installing = installOldPackage(RELEASE, join(directory, "pglite"), stopping.signal);
    stopping.abort();
    await expect(installing).rejects.toThrow("aborted");
  });
});

describe("the releases of older PGlites", () => {
  it("are those of the tests, with the checksums of the lock file", async () => {
    const path = fileURLToPath(new URL("../../../package-lock.json", import.meta.url));
    const { packages } = JSON.parse(await readFile(path, "utf8")) as { packages: Record<string, object> };
    for (const [major, { version, integrity }] of OLD_RELEASES) {
      expect(packages[`node_modules/pglite-postgresql-${major}`]).toMatchObject({ name: PGLITE, version, integrity });
    }
  });
});
