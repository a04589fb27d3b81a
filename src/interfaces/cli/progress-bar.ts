const WIDTH = 30;

/** A bar of which a share, from 0 to 1, is filled. */
export function progressBar(share: number): string {
  const full = Math.round(Math.min(share, 1) * WIDTH);
  return `[${"#".repeat(full)}${".".repeat(WIDTH - full)}]`;
}
