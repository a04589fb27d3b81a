/**
 * Reads rows in batches, in the order of their ids: each by the last id of the batch before, so that rows that are inserted,
 * changed or deleted meanwhile move nothing. The last batch has fewer rows than `size`.
 *
 * @param select Gives at most `size` rows whose ids are greater than `after`, the least first.
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
