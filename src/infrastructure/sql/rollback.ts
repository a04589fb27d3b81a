/** Thrown inside a transaction to roll it back: returning from it would commit. */
class Rollback<Outcome> extends Error {
  readonly settle: () => Outcome;

  constructor(settle: () => Outcome) {
    super("The transaction is rolled back.");
    this.settle = settle;
  }
}

/**
 * Runs a transaction that can roll itself back. `rollBack` leaves it with an exception. After the rollback, the caller gets
 * the result of `settle`, or its exception.
 */
export async function withRollback<Committed, Outcome>(
  run: (rollBack: (settle: () => Outcome) => never) => Promise<Committed>,
): Promise<Committed | Outcome> {
  let rollback: Rollback<Outcome> | undefined;
  try {
    return await run((settle) => {
      rollback = new Rollback(settle);
      throw rollback;
    });
  } catch (thrown) {
    if (rollback === undefined || thrown !== rollback) throw thrown;
    return rollback.settle();
  }
}
