import { valueOf, type Row } from "./table.ts";

const WORKS = ["GET by id × 50", "POST × 50", "random page × 50", "mixed 90/10 × 50"];
const WIDTH = 760;
const LABEL_WIDTH = 230;
const BAR_HEIGHT = 16;
const LINE_HEIGHT = 22;
const HEAD_HEIGHT = 34;
const VALUE_WIDTH = 70;

/** A bar chart of requests a second, with one group for each measurement. Each group has its own scale. */
export function chart(rows: readonly Row[]): string {
  const all = [...new Set(rows.map(({ contender }) => contender))];
  const contenders = all.filter((contender) => WORKS.every((work) => valueOf(rows, contender, work) > 0));
  const groupHeight = HEAD_HEIGHT + contenders.length * LINE_HEIGHT;
  const groups = WORKS.map((work, group) => {
    const values = contenders.map((contender) => valueOf(rows, contender, work));
    const most = Math.max(...values);
    const bars = contenders.map((contender, line) => {
      const value = values[line] ?? 0;
      const y = group * groupHeight + HEAD_HEIGHT + line * LINE_HEIGHT;
      const width = Math.max(1, (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH));
      const color = contender === "Quire" ? "#2f6f4f" : "#9aa5a0";
      return `<text x="${LABEL_WIDTH - 8}" y="${y + 12}" text-anchor="end">${contender}</text>
<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${color}"/>
<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 12}">${Math.round(value).toLocaleString("en")}</text>`;
    });
    const title = `<text x="${LABEL_WIDTH}" y="${group * groupHeight + 24}" font-weight="bold">${work} connections, requests/s</text>`;
    return [title, ...bars].join("\n");
  });
  const height = WORKS.length * groupHeight + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#57615c">
${groups.join("\n")}
</svg>
`;
}
