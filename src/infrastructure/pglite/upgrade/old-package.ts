import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { ok, type Result } from "neverthrow";
import * as z from "zod";
import { fail } from "../../../domain/shared/fail.ts";
import { PGLITE, type OldRelease } from "./old-releases.ts";

/** The package with the older PostgreSQL could not be installed. */
export interface OldPackageUnavailable {
  readonly kind: "old_package_unavailable";
  readonly version: string;
  /** The reason that npm gives. */
  readonly detail: string;
}

/** The directory that the operator has given does not hold the package. */
export interface OldPackageWrong {
  readonly kind: "old_package_wrong";
  readonly path: string;
  readonly version: string;
  /** The package that the directory holds; `null` if there is none. */
  readonly found: string | null;
}

const PackageJson = z.object({ name: z.string(), version: z.string() });

/** Installs a release into a new directory. Returns the directory of the package. Nothing of it is run. */
export async function installOldPackage(
  { version, integrity }: OldRelease,
  directory: string,
  signal: AbortSignal,
): Promise<Result<string, OldPackageUnavailable>> {
  const dependencies = { [PGLITE]: version };
  const packages = { "": { dependencies }, [`node_modules/${PGLITE}`]: { version, integrity } };
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, "package.json"), JSON.stringify({ private: true, dependencies }));
  // `npm ci` refuses a package whose checksum is not that of the lock file.
  const lock = { lockfileVersion: 3, requires: true, packages };
  await writeFile(join(directory, "package-lock.json"), JSON.stringify(lock));
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    await promisify(execFile)("npm", ["ci", `--prefix=${directory}`, ...options], { cwd: directory, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    return fail({ kind: "old_package_unavailable", version, detail: npmFailure(thrown) });
  }
  return ok(join(directory, "node_modules", PGLITE));
}

function npmFailure(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ("code" in thrown && thrown.code === "ENOENT") return "npm is not installed";
  const lines = "stderr" in thrown ? String(thrown.stderr).trim().split("\n") : [];
  const reasons = lines.filter((line) => line.startsWith("npm error") && !line.includes("A complete log of this run"));
  return reasons.length === 0 ? thrown.message : reasons.map((line) => line.slice("npm error ".length)).join(" ");
}

/**
 * Finds a release in a directory that the operator has given: the package itself, or the directory of `npm install --prefix`.
 * Returns the directory of the package.
 */
export async function findOldPackage({ version }: OldRelease, path: string): Promise<Result<string, OldPackageWrong>> {
  const installed = resolve(path, "node_modules", PGLITE);
  const directory = existsSync(installed) ? installed : resolve(path);
  const found = await readPackageJson(join(directory, "package.json"));
  if (found?.name === PGLITE && found.version === version) return ok(directory);
  const name = found === null ? null : `${found.name} ${found.version}`;
  return fail({ kind: "old_package_wrong", path: resolve(path), version, found: name });
}

async function readPackageJson(file: string): Promise<z.infer<typeof PackageJson> | null> {
  try {
    return PackageJson.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return null;
  }
}
