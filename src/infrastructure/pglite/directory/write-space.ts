/** Rows of few hundred bytes: a log-in, so that somebody can delete, and what keeps or ends a session. */
const SMALL_ROWS = /^\s*(?:insert into|update) "sessions"/i;
/** Of one user's row, which is bounded by the lengths of a name and an address: a new password must always be possible. */
const USER_CHANGE = /^\s*update "users"/i;
const DELETION = /^\s*(?:with\b[^]*\)\s*)?delete from/i;
const INSERTION_OR_UPDATE = /\b(?:insert into|update) /i;
const POST_CHANGE = /^\s*update "posts"/i;
const BEGIN = /^begin$/;

/**
 * Whether a write needs more space than one that is made while little is free. Those delete, shorten or change small rows;
 * they are what gives space back. In a transaction each statement counts for itself.
 *
 * @param shortens Whether the text that a change of a post stores is known to be no longer than before.
 */
export function needsSpace(text: string, shortens: boolean): boolean {
  if (BEGIN.test(text) || SMALL_ROWS.test(text) || USER_CHANGE.test(text)) return false;
  if (POST_CHANGE.test(text)) return !shortens;
  return !DELETION.test(text) || INSERTION_OR_UPDATE.test(text);
}
