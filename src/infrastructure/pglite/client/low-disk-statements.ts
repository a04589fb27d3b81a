const DELETION = /^\s*(?:with\b[^]*\)\s*)?delete from/i;
const INSERTION_OR_UPDATE = /\b(?:insert into|update) /i;
const BEGIN = /^begin$/;
const SUBSCRIPTION = /^(?:un)?listen\b/;

/** Whether a statement writes nothing to tables by itself. In a transaction each statement counts by itself. */
export function isFreeOfRows(text: string): boolean {
  return BEGIN.test(text) || SUBSCRIPTION.test(text);
}

/** Whether a statement only deletes rows, so that it frees space. */
export function isDeletion(text: string): boolean {
  return DELETION.test(text) && !INSERTION_OR_UPDATE.test(text);
}
