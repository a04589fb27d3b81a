import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PACKAGE_NAME } from "./package-name.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INSTALLED = join(ROOT, "node_modules");

/** The strict options of TypeScript for such a project. The module system is that of the test. */
export const COMPILER_OPTIONS = {
  target: "ES2023",
  lib: ["ES2023", "DOM"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
  skipLibCheck: true,
} as const;

interface PackageJson {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/**
 * A project outside the repository that has installed the packed tarball. Only the declared dependencies of the package can be
 * imported: they are links to those of the repository, so that nothing is downloaded.
 */
export async function packedProject(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "quire-package-"));
  const modules = join(project, "node_modules");
  await mkdir(join(modules, PACKAGE_NAME), { recursive: true });
  // The sources are built already.
  await promisify(execFile)("npm", ["pack", "--ignore-scripts", "--pack-destination", project], { cwd: ROOT });
  const tarball = (await readdir(project)).find((name) => name.endsWith(".tgz")) ?? "";
  await promisify(execFile)(
    "tar",
    ["-xzf", tarball, "-C", join("node_modules", PACKAGE_NAME), "--strip-components=1"],
    {
      cwd: project,
    },
  );
  const manifest = await readFile(join(modules, PACKAGE_NAME, "package.json"), "utf8");
  const { dependencies, peerDependencies } = JSON.parse(manifest) as PackageJson;
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), "@types/node"]) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(INSTALLED, name), join(modules, name));
  }
  await writeFile(join(project, "package.json"), '{"type":"module"}');
  return project;
}
