import type { PostFilter } from "../../../domain/post/post-list.ts";
import type { SearchExpression } from "../../../domain/search/search-expression.ts";
import type { SearchHit } from "../../../domain/search/ranking.ts";
import type { SearchQuery } from "../../../domain/search/search-query.ts";
import { rangesOf, type IndexRange } from "../post-ranges.ts";
import { planSearch, type PlannedPass, type PlannedScan, type SearchPlan } from "./scan-plan.ts";
import { BLOCK_ROWS, segmentsWithin, type OrdinalRange } from "./segments.ts";
import type { FoundRow, Scan, ScannedRows, Step, StepRequest } from "./step-statement.ts";
import { inSegment, tsqueryText } from "./tsquery.ts";
import { walkDown, type Walk, type WalkOptions } from "./walk.ts";

/** The maximum number of steps of a search. Posts beyond them are not found. */
export const MAX_STEPS = 96;
/** The rows of the first range: a word that an eighth of the posts have is found in it often enough. */
const FIRST_ROWS = 3 * BLOCK_ROWS;
/** Titles have few words, so few of them match. */
const FIRST_TITLE_ROWS = 16 * BLOCK_ROWS;
/** The maximum number of entries of the index that the scans of a step read: rows of their ranges, times lexemes of their conditions. */
const MAX_STEP_ENTRIES = 262_144;
/** The maximum number of conditions that a scan evaluates on terms. Each takes about a microsecond. */
const MAX_EVALUATIONS = 1_000;
/** The maximum number of rows of which a scan reads the terms in a step. */
const MAX_READ_ROWS = 100;
/** The same for a pass. A phrase of common words that hardly ever meet reaches it. */
const MAX_PASS_READS = 1_500;

export interface Hits extends Pick<Step, "analysis" | "isComplete"> {
  readonly hits: readonly SearchHit[];
  /** True if the hits are of a pass with typos, which `isTypoMatch` has to verify. */
  readonly hasTypos: boolean;
  /** False if the search ended at one of its bounds. */
  readonly isExhaustive: boolean;
}

/** Runs a step of a search. */
export type RunStep = (request: StepRequest) => Promise<Step>;

/** Runs the passes of searches. It remembers the greatest ordinal, at which the next search begins. */
export function hitSearch() {
  let lastOrdinal = 0;
  return {
    /** Returns the hits of each group of passes in turn, until the caller has hits. */
    find: async function* (
      runStep: RunStep,
      filter: PostFilter,
      query: SearchQuery,
      isCounted: boolean,
    ): AsyncGenerator<Hits> {
      const plan = planSearch(query, isCounted);
      for (const passes of plan.groups) {
        let search = startPasses(passes, plan, filter, lastOrdinal);
        let state: Step | null = null;
        for (let steps = 0; steps < MAX_STEPS; steps++) {
          const request = search.request();
          if (request === null) break;
          state = await runStep(request);
          lastOrdinal = state.lastOrdinal;
          // Another process may have added many rows since the last search.
          if (search.isBehind(lastOrdinal)) search = startPasses(passes, plan, filter, lastOrdinal);
          else search.take(state.scans);
        }
        if (state === null) continue;
        const { analysis, isComplete } = state;
        const hasTypos = passes.every(({ isTypo }) => isTypo);
        yield { hits: search.hits(), hasTypos, analysis, isComplete, isExhaustive: search.isExhaustive() };
      }
    },
  };
}

function startPasses(passes: readonly PlannedPass[], plan: SearchPlan, filter: PostFilter, lastOrdinal: number) {
  const ranges = rangesOf(filter);
  const top = ceilBlock(lastOrdinal + BLOCK_ROWS);
  const features = featuresOf(passes, plan).map((condition) => tsqueryText(condition, ranges));
  const scanCount = passes.reduce((sum, { finding }) => sum + finding.length, 0);
  const running = passes.map((pass) =>
    startPass(pass, {
      plan,
      ranges,
      top,
      highest: top - 1,
      known: [],
      evaluations: features.length + 1,
      maxEntries: MAX_STEP_ENTRIES / scanCount,
    }),
  );
  let requested: readonly RequestedScan[] = [];
  return {
    isBehind: (newest: number) => newest >= top,
    request: (): StepRequest | null => {
      requested = running.flatMap((pass) => pass.request());
      if (requested.length === 0) return null;
      const { after = null, before = null } = filter.published ?? {};
      return { scans: requested.map(({ scan }) => scan), features, publishedAfter: after, publishedBefore: before };
    },
    isExhaustive: () => running.every((pass) => pass.isExhaustive()),
    take: (scans: readonly ScannedRows[]) => {
      requested.forEach(({ take }, index) => {
        const rows = scans[index];
        if (rows === undefined) throw new Error("A step of a search returned fewer scans than it was given.");
        take(rows);
      });
    },
    hits: (): readonly SearchHit[] => {
      const found = new Map<string, SearchHit>();
      for (const pass of running) {
        for (const hit of pass.hits()) {
          const known = found.get(hit.id);
          found.set(hit.id, known === undefined ? hit : { id: hit.id, levels: better(known.levels, hit.levels) });
        }
      }
      return [...found.values()];
    },
  };
}

/** The conditions that are evaluated on the terms of a row: those of the levels, and last that of the pass that follows. */
function featuresOf(passes: readonly PlannedPass[], { levels }: SearchPlan): readonly SearchExpression[] {
  const isRankedByTerms = passes.some(({ finding }) => finding.some(({ level }) => level === null));
  if (!isRankedByTerms) return [];
  return [...levels.flat(), ...passes.flatMap(({ following }) => following ?? [])].map(({ expression }) => expression);
}

function ceilBlock(ordinal: number): number {
  return Math.ceil(ordinal / BLOCK_ROWS) * BLOCK_ROWS;
}

interface RequestedScan {
  readonly scan: Scan;
  readonly take: (rows: ScannedRows) => void;
}

interface PassOptions {
  readonly plan: SearchPlan;
  readonly ranges: readonly IndexRange[];
  /** The ordinal above all rows. */
  readonly top: number;
  /** The ordinal of the newest row of the pass. */
  readonly highest: number;
  /** The hits of the pass that are known before, all of them above its rows. */
  readonly known: readonly OrdinalHit[];
  /** The number of conditions that are evaluated on the terms of a row. */
  readonly evaluations: number;
  /** The maximum number of entries of the index that a scan reads in a step. */
  readonly maxEntries: number;
}

interface OrdinalHit extends SearchHit {
  readonly ordinal: number;
  /** Whether it is a hit of the pass that follows as well. */
  readonly isOfFollowing: boolean;
}

interface RunningPass {
  hits(): readonly SearchHit[];
  isExhaustive(): boolean;
  request(): readonly RequestedScan[];
}

interface RunningScan {
  readonly planned: PlannedScan;
  readonly indexed: string;
  readonly checked: string | null;
  /** The maximum number of rows that a step returns. */
  readonly rows: number;
  readonly walk: Walk;
}

function startPass(pass: PlannedPass, options: PassOptions): RunningPass {
  const { plan, ranges, top, highest, evaluations, maxEntries } = options;
  const { maxHits } = pass;
  const found = new Map(options.known.map((hit) => [hit.id, hit]));
  let reads = 0;
  const readRows = Math.min(maxHits, MAX_READ_ROWS, Math.max(1, Math.floor(MAX_EVALUATIONS / evaluations)));
  const startScan = (planned: PlannedScan, newestRow: number, range: Omit<WalkOptions, "wanted">): RunningScan => {
    const checked = planned.checked === null ? null : tsqueryText(planned.checked, ranges);
    const rows = checked === null ? maxHits : readRows;
    const walk = walkDown(newestRow, { ...range, wanted: rows });
    return { planned, indexed: tsqueryText(planned.indexed, ranges), checked, rows, walk };
  };
  const finding = pass.finding.map((planned) =>
    startScan(planned, highest, {
      firstRows: pass.isOfTitles ? FIRST_TITLE_ROWS : FIRST_ROWS,
      maxRows: maxRangeRows(planned.indexed, ranges.length, maxEntries),
    }),
  );
  let following: RunningPass | null = null;
  let improving: readonly RunningScan[] | null = null;
  /** Rows that are older than the last kept hit are not needed. */
  const lowestNeeded = (kept: readonly OrdinalHit[]) => (kept.length < maxHits ? 0 : (kept.at(-1)?.ordinal ?? 0));
  const newest = () => [...found.values()].toSorted((a, b) => b.ordinal - a.ordinal).slice(0, maxHits);

  const requestOf = ({ planned, indexed, checked, rows, walk }: RunningScan, range: OrdinalRange) => {
    const parts = segmentsWithin(range).map(({ segment, blocks }) => inSegment(indexed, segment, blocks));
    const scan: Scan = { indexed: parts, checked, below: walk.below(), rows };
    const take = (scanned: ScannedRows) => {
      for (const row of scanned.found) {
        const levels = levelsOf(planned, plan, row);
        const known = found.get(row.id)?.levels ?? levels;
        if (pass.improving.includes(planned) && !found.has(row.id)) continue;
        const isOfFollowing = row.features.at(-1) === true;
        found.set(row.id, { id: row.id, ordinal: row.ordinal, levels: better(known, levels), isOfFollowing });
      }
      if (checked !== null) reads += scanned.read;
      walk.advance(range, scanned);
    };
    return { scan, take };
  };

  const requestsOf = (running: readonly RunningScan[], lowest: number): readonly RequestedScan[] =>
    running.flatMap((each) => {
      const mayRead = each.checked === null || reads < Math.max(MAX_PASS_READS, 2 * maxHits);
      const range = mayRead ? each.walk.next(lowest) : null;
      return range === null ? [] : [requestOf(each, range)];
    });

  return {
    hits: () => [...newest(), ...(following?.hits() ?? [])],
    isExhaustive: () =>
      finding.every(({ walk }) => walk.next(lowestNeeded(newest())) === null) && (following?.isExhaustive() ?? true),
    request: () => {
      const kept = newest();
      const requests = requestsOf(finding, lowestNeeded(kept));
      if (requests.length > 0) return requests;
      if (pass.following !== null) {
        following ??= startPass(pass.following, { ...options, ...optionsOfFollowing(finding, [...found.values()]) });
        return following.request();
      }
      const [newestHit, oldestHit] = [kept[0], kept.at(-1)];
      if (newestHit === undefined || oldestHit === undefined) return [];
      // The walk goes from the newest hit to the oldest, so its condition reads few entries of a common word.
      const range = { firstRows: top, maxRows: top };
      improving ??= pass.improving.map((planned) => startScan(planned, newestHit.ordinal, range));
      return requestsOf(improving, oldestHit.ordinal - 1);
    },
  };
}

/** The options of the pass that follows. Its rows are those that the scans have not reached, and its hits among the others are known. */
function optionsOfFollowing(
  finding: readonly RunningScan[],
  found: readonly OrdinalHit[],
): Pick<PassOptions, "highest" | "known"> {
  const below = Math.min(...finding.map(({ walk }) => walk.below()));
  return { highest: below - 1, known: found.filter(({ isOfFollowing }) => isOfFollowing) };
}

/** The maximum number of rows of a range, so that the condition reads a bounded number of index entries. */
function maxRangeRows(indexed: SearchExpression, ranges: number, maxEntries: number): number {
  return Math.max(BLOCK_ROWS, maxEntries / (countLexemes(indexed) * Math.max(1, ranges)));
}

function countLexemes(expression: SearchExpression): number {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.of.reduce((sum, part) => sum + countLexemes(part), 0);
    case "not":
      return countLexemes(expression.of);
    case "phrase":
      return expression.lexemes.length;
    case "term":
    case "prefix":
    case "all":
      return 1;
  }
}

function levelsOf({ level }: PlannedScan, { levels }: SearchPlan, { features }: FoundRow): readonly number[] {
  if (level !== null) return [level];
  let at = 0;
  return levels.map((part) => {
    const own = features.slice(at, at + part.length);
    at += part.length;
    return part[own.indexOf(true)]?.level ?? 0;
  });
}

function better(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((level, part) => Math.max(level, b[part] ?? 0));
}
