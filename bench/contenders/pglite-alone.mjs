import { createServer } from "node:http";
import { PGlite } from "@electric-sql/pglite";

// Measures only the opening: the shortest time in which a server on PGlite can be ready.
const engine = await PGlite.create(process.env.DATA);
const server = createServer(async (request, response) => {
  const id = request.url.split("/").at(-1);
  const { rows } = await engine.query("select * from posts where id = $1", [id]);
  response.end(JSON.stringify(rows[0]));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.on("SIGTERM", async () => {
  await engine.close();
  process.exit(0);
});
