/** Splits a duration into equal parts, one for each round. Returns a random moment in each part, in milliseconds. */
export function momentsWithin(durationMs: number, rounds: number): readonly number[] {
  return Array.from({ length: rounds }, (_, index) => Math.round(((index + Math.random()) / rounds) * durationMs));
}

/** Prints the figures of a run. They are not checked. */
export function report(what: string, figures: Readonly<Record<string, number | string>>): void {
  const parts = Object.entries(figures).map(([name, figure]) => `${name} ${figure}`);
  process.stdout.write(`${what}: ${parts.join(", ")}\n`);
}

/** The percentile of `values` for a share such as 0.99, rounded to one decimal. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 10) / 10;
}
