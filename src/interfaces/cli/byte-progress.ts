import { progressBar } from "./progress-bar.ts";
import type { ProgressOutput } from "./terminal.ts";

export interface ByteProgress {
  readonly step: "copy" | "check" | "write" | "read" | "install";
  readonly bytes: number;
  /** 0 if it is not known. */
  readonly total: number;
}

/** A step without bytes: one of the checks of a verification. */
export interface CheckProgress {
  readonly step: "verify";
  readonly check: string;
  /** The number of the check, from 1 to `total`. */
  readonly number: number;
  readonly total: number;
}

const STEPS = {
  copy: "copying the database",
  check: "checking every row and every index",
  write: "writing the backup",
  read: "reading the backup back",
  install: "installing the older PGlite",
} as const;

const TERMINAL_INTERVAL_MS = 100;
/** Without a terminal each update is a line of a log. */
const LOG_INTERVAL_MS = 5000;
const MIB = 1_048_576;

/** Shows the step of a backup, and how many MiB are done, on a terminal with a bar. A new step is shown immediately. */
export function byteProgress(output: ProgressOutput, now: () => number = () => performance.now()) {
  const intervalMs = output.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
  let shownAt = -Infinity;
  let shownStep: string | null = null;
  let hasShown = false;
  const write = (text: string, share: number | null) => {
    hasShown = true;
    const bar = share === null ? "" : `${progressBar(share)} `;
    output.write(output.isTTY ? `\r${bar}${text}\u001B[K` : `${text}\n`);
  };
  return {
    show: (progress: ByteProgress | CheckProgress) => {
      const at = now();
      if (progress.step === "verify") {
        const { check, number, total } = progress;
        shownStep = check;
        return write(`checking: ${check}`, (number - 1) / total);
      }
      const { step, bytes, total } = progress;
      if (step === shownStep && at - shownAt < intervalMs) return;
      const isNew = step !== shownStep;
      [shownAt, shownStep] = [at, step];
      const done = Math.round(bytes / MIB).toLocaleString("en");
      const amount = total > 0 ? `${done} of ${Math.round(total / MIB).toLocaleString("en")} MiB` : `${done} MiB`;
      write(isNew && bytes === 0 ? STEPS[step] : `${STEPS[step]}: ${amount}`, total > 0 ? bytes / total : null);
    },
    end: () => {
      if (output.isTTY && hasShown) output.write("\r\u001B[K");
    },
  };
}
