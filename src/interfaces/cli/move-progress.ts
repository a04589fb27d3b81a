interface Progress {
  readonly table: string;
  readonly moved: number;
  readonly total: number;
}

interface Terminal {
  readonly isTTY: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 30;
const TERMINAL_INTERVAL_MS = 100;
/** Where nobody watches, each state is a line of a log. */
const LOG_INTERVAL_MS = 5000;

/** A bar with how many rows have been moved, how many a second, and how long the others take at that speed. */
export function moveProgress(output: Terminal, now: () => number = () => performance.now()) {
  const intervalMs = output.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
  const startedAt = now();
  let shownAt = -Infinity;
  let before: number | null = null;
  let hasShown = false;

  return {
    show: (progress: Progress) => {
      const { table, moved, total } = progress;
      // What an earlier move has done says nothing of the speed of this one.
      before ??= moved;
      const at = now();
      if (at - shownAt < intervalMs && moved < total) return;
      shownAt = at;
      hasShown = true;
      const perSecond = Math.round(((moved - before) / Math.max(at - startedAt, 1)) * 1000);
      const left = perSecond === 0 ? "" : `, ${duration((total - moved) / perSecond)} left`;
      const counts = `${moved.toLocaleString("en")} of ${total.toLocaleString("en")} rows, ${perSecond.toLocaleString("en")}/s${left}`;
      output.write(output.isTTY ? `\r${bar(moved / total)} ${table}: ${counts}\u001B[K` : `${table}: ${counts}\n`);
    },
    end: () => {
      if (output.isTTY && hasShown) output.write("\n");
    },
  };
}

function bar(share: number): string {
  const full = Math.round(Math.min(share, 1) * BAR_WIDTH);
  return `[${"#".repeat(full)}${".".repeat(BAR_WIDTH - full)}]`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
