/** How often a fault is repeated: a few times by `npm test`, 50 times by `npm run test:faults`. */
export const FAULT_ROUNDS = Number(process.env["FAULT_ROUNDS"] ?? "5");

/** Whether what takes minutes is run as well. */
export const isThorough = FAULT_ROUNDS >= 50;

/** Moments within a duration, in milliseconds: a random one in each of as many parts of it as there are rounds. */
export function momentsWithin(durationMs: number, rounds: number): readonly number[] {
  return Array.from({ length: rounds }, (_, index) => Math.round(((index + Math.random()) / rounds) * durationMs));
}

/** Writes what a run measured; nothing is expected of it. */
export function report(what: string, figures: Readonly<Record<string, number | string>>): void {
  const parts = Object.entries(figures).map(([name, figure]) => `${name} ${figure}`);
  process.stdout.write(`${what}: ${parts.join(", ")}\n`);
}

/** The value that a share of the others is below, such as 0.99. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 10) / 10;
}
