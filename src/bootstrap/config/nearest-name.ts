/** Two typing mistakes. With more, the name would be another word as often as not. */
const MAX_EDITS = 2;
/** Longer than any name. The time of a comparison grows with the square of the length. */
const MAX_NAME_LENGTH = 64;

/** The name with the fewest edits from the given one; `null` if none is within `maxEdits`. */
export function nearestName(given: string, names: readonly string[], maxEdits = MAX_EDITS): string | null {
  if (given.length > MAX_NAME_LENGTH) return null;
  let nearest: string | null = null;
  let fewest = maxEdits + 1;
  for (const name of names) {
    const edits = editDistance(given.toUpperCase(), name);
    if (edits >= fewest) continue;
    nearest = name;
    fewest = edits;
  }
  return nearest;
}

/** The edit distance: insertions, deletions, replacements (Levenshtein), and swaps of two neighbours. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const replaced = (last[column - 1] ?? 0) + (isSame ? 0 : 1);
      const inserted = (current[column - 1] ?? 0) + 1;
      const deleted = (last[column] ?? 0) + 1;
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const swapped = isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Infinity;
      current.push(Math.min(replaced, inserted, deleted, swapped));
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
