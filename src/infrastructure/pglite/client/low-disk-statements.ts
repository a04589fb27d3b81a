/** Rows of a few hundred bytes: a log-in, so that a user can delete posts, and the renewal or end of a session. */
const SESSION_WRITE = /^\s*(?:insert into|update) "sessions"/i;
/** The lengths of a name and an address bound a user's row, and a new password must always be possible. */
const USER_UPDATE = /^\s*update "users"/i;
const DELETION = /^\s*(?:with\b[^]*\)\s*)?delete from/i;
const INSERTION_OR_UPDATE = /\b(?:insert into|update) /i;
const POST_UPDATE = /^\s*update "posts"/i;
const BEGIN = /^begin$/;

/**
 * Whether a write is allowed below the watermark of disk space. Allowed writes delete rows, shorten posts or change
 * small rows, so they free space or take almost none. In a transaction each statement counts by itself.
 *
 * @param isShortening Whether the new text of an updated post is known to be no longer than the old one.
 */
export function isAllowedOnLowDisk(text: string, isShortening: boolean): boolean {
  if (BEGIN.test(text) || SESSION_WRITE.test(text) || USER_UPDATE.test(text)) return true;
  if (POST_UPDATE.test(text)) return isShortening;
  return DELETION.test(text) && !INSERTION_OR_UPDATE.test(text);
}
