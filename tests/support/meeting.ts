/** A barrier for `expected` callers: all of them continue when the last one arrives. Later callers do not wait. */
export function meeting(expected: number) {
  let come = 0;
  let begin = () => {};
  const begun = new Promise<void>((settle) => (begin = settle));
  return async () => {
    come++;
    if (come === expected) begin();
    await begun;
  };
}
