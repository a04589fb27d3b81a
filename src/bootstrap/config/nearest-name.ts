import { editDistance } from "../../domain/shared/edit-distance.ts";

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
    const edits = editDistance(Array.from(given.toUpperCase()), Array.from(name), maxEdits);
    if (edits >= fewest) continue;
    nearest = name;
    fewest = edits;
  }
  return nearest;
}
