import { PGlite } from "@electric-sql/pglite";
import { openDurablePglite } from "../../src/package/engine.ts";

/**
 * One of two engines on a data directory, as a process of its own: `create` makes a table, `write` inserts rows one after the other
 * and prints each acknowledged one until it is killed, and `read` prints all rows.
 */
const [engine, directory = "", job = ""] = process.argv.slice(2);

async function open() {
  if (engine === "pglite") return PGlite.create(directory);
  const opened = await openDurablePglite({ directory });
  if (opened.isErr()) throw new Error(JSON.stringify(opened.error));
  const { client, close } = opened.value;
  return { ...client, close };
}

const database = await open();
switch (job) {
  case "create":
    await database.exec("create table written (row int primary key)");
    break;
  case "write":
    for (let row = 1; ; row++) {
      await database.query("insert into written values ($1)", [row]);
      process.stdout.write(`${row}\n`);
    }
  case "read":
    for (const { row } of (await database.query<{ row: number }>("select row from written")).rows) {
      process.stdout.write(`${row}\n`);
    }
}
await database.close();
