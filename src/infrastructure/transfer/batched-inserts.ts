import type { Row } from "./table-copy.ts";

/** The maximum number of rows of an insert. It is high, because each insert costs a flush and a round trip. */
const MAX_INSERT_ROWS = 1000;
/** The maximum size of an insert in characters, because the driver copies the values twice. */
const MAX_INSERT_LENGTH = 8_388_608;

/** Inserts selected rows in batches of bounded size, and holds one batch in memory. */
export async function insertInBatches(
  selections: AsyncIterable<readonly Row[]>,
  insert: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  let batch: Row[] = [];
  let length = 0;
  const insertBatch = async () => {
    if (batch.length === 0) return;
    await insert(batch);
    batch = [];
    length = 0;
  };
  for await (const rows of selections) {
    for (const row of rows) {
      const rowLength = row.reduce((sum, value) => sum + (value?.length ?? 0), 0);
      if (batch.length === MAX_INSERT_ROWS || length + rowLength > MAX_INSERT_LENGTH) await insertBatch();
      batch.push(row);
      length += rowLength;
    }
  }
  await insertBatch();
}
