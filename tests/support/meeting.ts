/** A meeting of as many as are expected, at which all go on; later ones do not wait. */
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
