/**
 * The start on existing data: Quire, and PGlite alone on a copy of the same cluster, with 1,000 posts.
 *
 * `npm run bench:start` prints the medians of interleaved starts: the time from the start of the process to its first response, and
 * the memory then. BENCH_ROUNDS sets the number of starts.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLUSTER } from "../src/infrastructure/pglite/directory/layout.ts";
import { PLAIN_API } from "./api.ts";
import { fillQuire, quireOn } from "./quire.ts";
import { start, type Contender } from "./server.ts";
import { median } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "15");
const POSTS = 1000;
const PGLITE_ALONE = fileURLToPath(new URL("contenders/pglite-alone.mjs", import.meta.url));

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const [data, copy] = [join(directory, "data"), join(directory, "copy")];
const contenders: readonly Contender[] = [
  quireOn("Quire", data, "fsync"),
  { name: "PGlite alone", script: PGLITE_ALONE, environment: { DATA: copy }, api: PLAIN_API },
];
const starts = new Map<string, { readonly readyMs: number; readonly memoryMiB: number }[]>();
try {
  await fillQuire(data, POSTS);
  await cp(join(data, CLUSTER), copy, { recursive: true });
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of contenders) {
      const running = await start(contender);
      const measured = { readyMs: running.readyMs, memoryMiB: running.memoryMiB() };
      starts.set(contender.name, [...(starts.get(contender.name) ?? []), measured]);
      await running.stop();
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
for (const [name, measured] of starts) {
  const readyMs = median(measured.map((one) => one.readyMs));
  const memoryMiB = median(measured.map((one) => one.memoryMiB));
  process.stdout.write(`${name.padEnd(14)} ${Math.round(readyMs)} ms  ${memoryMiB} MiB\n`);
}
