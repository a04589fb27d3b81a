import type { Measured } from "./load.ts";

/** The results of one contender at one measurement, one run a round. */
export interface Row {
  readonly contender: string;
  readonly work: string;
  readonly runs: readonly (Partial<Measured> & { readonly value: number })[];
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function valueOf(rows: readonly Row[], contender: string, work: string): number {
  const runs = rows.find((row) => row.contender === contender && row.work === work)?.runs ?? [];
  return median(runs.map(({ value }) => value));
}

/** Two tables in Markdown: the results, and the ratios of Quire to each contender. */
export function table(rows: readonly Row[]): string {
  const contenders = [...new Set(rows.map(({ contender }) => contender))];
  const works = [...new Set(rows.map(({ work }) => work))];
  const lines = (cell: (contender: string, work: string) => string) =>
    contenders.map((contender) => `| ${[contender, ...works.map((work) => cell(contender, work))].join(" | ")} |`);
  const head = (title: string) => [`| ${[title, ...works].join(" | ")} |`, `|---${"|---:".repeat(works.length)}|`];
  const measured = (contender: string, work: string) => {
    const row = rows.find((each) => each.contender === contender && each.work === work);
    return row === undefined ? "" : describe(row);
  };
  const ratio = (contender: string, work: string) => {
    const value = valueOf(rows, contender, work);
    const ofQuire = valueOf(rows, "Quire", work);
    return value === 0 || ofQuire === 0 ? "" : (ofQuire / value).toFixed(2);
  };
  return [
    ...head("requests/s, median ± half the spread (p99 in ms)"),
    ...lines(measured),
    "",
    ...head("Quire / this"),
    ...lines(ratio),
    "",
  ].join("\n");
}

function describe({ runs }: Row): string {
  const values = runs.map(({ value }) => value);
  const spread = (Math.max(...values) - Math.min(...values)) / 2;
  const p99s = runs.flatMap(({ p99Ms }) => (p99Ms === undefined ? [] : [p99Ms]));
  const text = `${format(median(values))} ± ${format(spread)}`;
  return p99s.length === 0 ? text : `${text} (${format(median(p99s))})`;
}

function format(value: number): string {
  return Math.round(value).toLocaleString("en");
}
