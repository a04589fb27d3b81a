import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packedProject } from "../../support/packed-project.ts";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The text of docs/edge.md. */
export const PAGE = readFileSync(join(ROOT, "docs", "edge.md"), "utf8");

const FILES = Array.from(PAGE.matchAll(/^```(?:ts|capnp) ([\w.-]+)\n([^]*?)^```$/gm), ([, file = "", text = ""]) => ({
  file,
  text,
}));

/** A project that has installed the packed tarball, with the files of the page. */
export async function edgeProject(): Promise<string> {
  const project = await packedProject();
  for (const { file, text } of FILES) await writeFile(join(project, file), text);
  return project;
}

/** Writes a configuration of the page with a change. Returns the name of the new file. */
export async function changedConfig(project: string, file: string, from: string | RegExp, to: string): Promise<string> {
  const changed = `changed-${file}`;
  await writeFile(join(project, changed), (await readFile(join(project, file), "utf8")).replace(from, to));
  return changed;
}
