import { progressBar } from "./progress-bar.ts";
import type { ProgressOutput } from "./terminal.ts";

export interface MoveProgress {
  readonly table: string;
  readonly moved: number;
  readonly total: number;
}

const TERMINAL_INTERVAL_MS = 100;
/** Without a terminal each update is a line of a log. */
const LOG_INTERVAL_MS = 5000;

/** Shows a progress bar with the number of copied rows, the rate, and the remaining time at that rate. */
export function moveProgress(output: ProgressOutput, now: () => number = () => performance.now()) {
  const intervalMs = output.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
  const startedAt = now();
  let shownAt = -Infinity;
  let before: number | null = null;
  let hasShown = false;

  return {
    show: (progress: MoveProgress) => {
      const { table, moved, total } = progress;
      // Rows that an interrupted move has copied do not count for the rate of this one.
      before ??= moved;
      const at = now();
      if (at - shownAt < intervalMs && moved < total) return;
      shownAt = at;
      hasShown = true;
      const perSecond = Math.round(((moved - before) / Math.max(at - startedAt, 1)) * 1000);
      const left = perSecond === 0 ? "" : `, ${duration((total - moved) / perSecond)} left`;
      const counts = `${moved.toLocaleString("en")} of ${total.toLocaleString("en")} rows, ${perSecond.toLocaleString("en")}/s${left}`;
      output.write(
        output.isTTY ? `\r${progressBar(moved / total)} ${table}: ${counts}\u001B[K` : `${table}: ${counts}\n`,
      );
    },
    end: () => {
      if (output.isTTY && hasShown) output.write("\n");
    },
  };
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
