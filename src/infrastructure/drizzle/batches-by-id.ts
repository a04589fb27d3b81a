/**
 * Reads rows in batches by keyset pagination on their ids, so that concurrent writes do not shift a batch. The last batch has
 * fewer rows than `size`.
 *
 * @param select Returns at most `size` rows whose ids are greater than `after`, in ascending order.
 */
export async function* batchesById<Row extends { readonly id: string }>(
  size: number,
  select: (after: Row["id"] | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  let after: Row["id"] | undefined;
  do {
    const rows = await select(after);
    if (rows.length > 0) yield rows;
    after = rows.length < size ? undefined : rows.at(-1)?.id;
  } while (after !== undefined);
}
