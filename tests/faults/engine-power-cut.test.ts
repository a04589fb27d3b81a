import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { isThorough } from "../../src/contracts/thorough.ts";
import { report } from "../support/rounds.ts";
import { cuttableDisk, powerCutSkipReason } from "./disks.ts";

const CUTS = isThorough ? 10 : 1;
const DISK_MIB = 400;
const WRITING_MS = 2000;
const WRITER = join(import.meta.dirname, "engine-writer.ts");

const skipReason = powerCutSkipReason();
vi.setConfig({ testTimeout: 120_000 + CUTS * 120_000 });

type Engine = "pglite" | "durable";

const commandOf = (engine: Engine, directory: string, job: string) => [
  "--import",
  "tsx",
  WRITER,
  engine,
  directory,
  job,
];
const rowsOf = (output: string) => output.split("\n").slice(0, -1).map(Number);

/** Cuts the power while an engine writes rows one after the other, and opens it again. */
async function cutPowerOf(engine: Engine) {
  const disk = cuttableDisk(DISK_MIB);
  try {
    const directory = join(disk.directory, "data");
    await mkdir(directory);
    await promisify(execFile)(process.execPath, commandOf(engine, directory, "create"));
    execFileSync("sync", ["--file-system", directory]);

    const writer = spawn(process.execPath, commandOf(engine, directory, "write"), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    writer.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await once(writer.stdout, "data");
    await delay(WRITING_MS + Math.random() * 1000);
    // A row that is acknowledged during the cut may come from before or after it, so only earlier ones count.
    const acknowledged = rowsOf(printed);
    disk.cutPower();
    writer.kill("SIGKILL");
    await once(writer, "exit");
    disk.mountAgain();

    const read = await promisify(execFile)(process.execPath, commandOf(engine, directory, "read")).catch(() => null);
    const kept = new Set(rowsOf(read?.stdout ?? ""));
    return {
      acknowledged: acknowledged.length,
      lost: acknowledged.filter((row) => !kept.has(row)).length,
      opens: read !== null,
    };
  } finally {
    disk.remove();
  }
}

/** Repeats it, and prints the sums. */
async function cutPowerOften(engine: Engine) {
  const sums = { cuts: CUTS, acknowledged: 0, lost: 0, "does not open": 0 };
  for (let cut = 0; cut < CUTS; cut++) {
    const { acknowledged, lost, opens } = await cutPowerOf(engine);
    sums.acknowledged += acknowledged;
    sums.lost += lost;
    if (!opens) sums["does not open"]++;
  }
  report(`power cut, ${engine === "pglite" ? "PGlite alone" : "durable engine"}`, sums);
  return sums;
}

describe.skipIf(skipReason !== null)(`a power cut${skipReason === null ? "" : ` (skipped: ${skipReason})`}`, () => {
  it("loses no acknowledged row of the durable engine", async () => {
    const { acknowledged, lost, ...others } = await cutPowerOften("durable");
    expect(acknowledged).toBeGreaterThan(0);
    expect({ lost, ...others }).toEqual({ lost: 0, cuts: CUTS, "does not open": 0 });
  });

  it("loses acknowledged rows of PGlite alone, which proves that this test can detect a loss", async () => {
    const { lost } = await cutPowerOften("pglite");
    expect(lost).toBeGreaterThan(0);
  });
});
