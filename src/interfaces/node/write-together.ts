/** So many writes run at once, without waiting for the end of the turn. It bounds the delay of the first. */
const MAX_WAITING = 16;

const waiting: (() => void)[] = [];

/**
 * Runs a write at the end of this turn of the event loop, right after the others of the turn.
 *
 * A write to the socket of a process on the same machine, such as a proxy, wakes that process up, which takes the kernel longer
 * than the write. If the requests of a turn wrote one by one, each would wake it up again. It is still awake when the
 * second of several writes arrives.
 */
export function writeTogether(write: () => void): void {
  waiting.push(write);
  if (waiting.length === 1) setImmediate(writeAll);
  if (waiting.length === MAX_WAITING) writeAll();
}

function writeAll(): void {
  for (const write of waiting.splice(0)) write();
}
