/** A barrier for `expected` callers: all of them continue when the last one arrives. Later callers do not wait. */
export function barrier(expected: number) {
  let arrived = 0;
  let begin = () => {};
  const begun = new Promise<void>((settle) => (begin = settle));
  return async () => {
    arrived++;
    if (arrived === expected) begin();
    await begun;
  };
}
