import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { PLAIN_API, SEARCHING_API } from "./api.ts";
import { fillTables, fillTexts, makeTables, postText } from "./data-set.ts";
import { startDatabases, type Databases } from "./postgres.ts";
import { ALL_PRODUCTS, prepareProduct } from "./products.ts";
import { fillQuire, indexQuire, indexServer, makeServerTables, quireOn, quireOnServer } from "./quire.ts";
import { addSearchColumn, HAS_SEARCH } from "./searches.ts";
import type { Contender } from "./server.ts";
import { fillSqlite } from "./sqlite.ts";

const DIRECTUS =
  "Directus: it needs Node 22 or later, and the benchmark runs on Node 20, the oldest Node that Quire supports.";
/** Selects contenders by name; all by default. */
const WANTED = new RegExp(process.env["BENCH_ONLY"] ?? "");
const CONTENDERS = fileURLToPath(new URL("contenders", import.meta.url));

export interface Arena {
  readonly contenders: readonly Contender[];
  /** The contenders that cannot run here, each with the reason. */
  readonly absent: readonly string[];
  readonly close: () => Promise<void>;
}

/** The contenders that are available, and those that are not. */
type Prepared = Pick<Arena, "contenders" | "absent">;

/** Contenders on the same store. */
interface Group {
  readonly contenders: readonly Contender[];
  readonly fill: () => Promise<void>;
  /** Whether the other contenders are measured if it cannot be filled. */
  readonly isOptional?: boolean;
}

/** Fills the stores of the selected contenders, in an empty directory and on a PostgreSQL server. */
export async function prepare(directory: string): Promise<Arena> {
  const databases = await startDatabases();
  try {
    const groups = [...groupsIn(directory), ...groupsOn(databases), ...sqliteIn(directory)];
    const prepared: Prepared[] = [];
    for (const group of groups) prepared.push(await prepareGroup(group));
    prepared.push(await prepareProducts(databases));
    return {
      contenders: prepared.flatMap(({ contenders }) => contenders),
      absent: [...prepared.flatMap(({ absent }) => absent), DIRECTUS],
      close: async () => databases.stop(),
    };
  } catch (thrown) {
    await databases.stop();
    throw thrown;
  }
}

async function prepareGroup({ contenders, fill, isOptional = false }: Group): Promise<Prepared> {
  const wanted = contenders.filter(({ name }) => WANTED.test(name));
  if (wanted.length === 0) return { contenders: [], absent: [] };
  process.stderr.write(`filling ${wanted.map(({ name }) => name).join(", ")}\n`);
  try {
    await fill();
    return { contenders: wanted, absent: [] };
  } catch (thrown) {
    if (!isOptional) throw thrown;
    return { contenders: [], absent: wanted.map(({ name }) => `${name}: ${reasonOf(thrown)}`) };
  }
}

/** The contenders without a server: Quire, Hono without a database, and PGlite. */
function groupsIn(directory: string): readonly Group[] {
  const quire = join(directory, "quire");
  const relaxed = join(directory, "quire-relaxed");
  const pglite = join(directory, "pglite");
  return [
    {
      contenders: [quireOn("Quire", quire, "fsync"), quireOn("Quire, relaxed", relaxed, "relaxed")],
      fill: async () => {
        await fillQuire(quire);
        if (HAS_SEARCH) await indexQuire(quire);
        cpSync(quire, relaxed, { recursive: true });
      },
    },
    {
      contenders: [written("Hono alone (ceiling)", "hono-bare.mjs", { TEXT: JSON.stringify(postText(1)) })],
      fill: async () => {},
    },
    {
      contenders: [
        { ...written("PGlite alone", "pglite-alone.mjs", { DATA: pglite }), isOnlyStarted: true },
        written("Hono + Drizzle + PGlite", "hono-drizzle-pglite.mjs", { DATA: pglite }),
      ],
      fill: async () => fillPglite(pglite),
    },
  ];
}

/** The contenders on a PostgreSQL server. */
function groupsOn(databases: Databases): readonly Group[] {
  const [quire, same, plain] = [databases.urlOf("quire"), databases.urlOf("same_tables"), databases.urlOf("plain")];
  return [
    {
      contenders: [
        quireOnServer("Quire on PostgreSQL", quire, 1),
        quireOnServer("Quire on PostgreSQL × 2", quire, 2),
        quireOnServer("Quire on PostgreSQL × 4", quire, 4),
      ],
      fill: async () =>
        databases.create("quire", async (query, url) => {
          await makeServerTables(url);
          await fillTables(query, { hasTitleKeys: true });
          if (HAS_SEARCH) await indexServer(url);
          await query("vacuum analyze");
        }),
    },
    {
      contenders: [
        { ...written("Fastify + pg, with Quire's tables", "fastify-pg.mjs", { DATA: same }), api: SEARCHING_API },
      ],
      fill: async () =>
        databases.create("same_tables", async (query, url) => {
          await makeServerTables(url);
          await fillTables(query, { hasTitleKeys: true });
          await addSearchColumn(query);
        }),
    },
    {
      contenders: [
        written("Fastify + pg", "fastify-pg.mjs", { DATA: plain }),
        written("Fastify + Drizzle + postgres.js", "fastify-drizzle-postgresjs.mjs", { DATA: plain }),
        written("Express + TypeORM", "express-typeorm.mjs", { DATA: plain }),
      ],
      fill: async () =>
        databases.create("plain", async (query) => {
          await makeTables(query);
          await fillTables(query);
        }),
    },
  ];
}

function sqliteIn(directory: string): readonly Group[] {
  const [full, normal] = [join(directory, "full.sqlite"), join(directory, "normal.sqlite")];
  const fill = async () => {
    await fillSqlite(full);
    cpSync(full, normal);
  };
  // The native module is not available for every system.
  return [{ contenders: [sqliteOn(full, "FULL"), sqliteOn(normal, "NORMAL")], fill, isOptional: true }];
}

function sqliteOn(DATA: string, SYNCHRONOUS: "FULL" | "NORMAL"): Contender {
  return written(`Fastify + better-sqlite3, ${SYNCHRONOUS}`, "fastify-better-sqlite3.mjs", { DATA, SYNCHRONOUS });
}

/** A contender that is written for this benchmark. */
function written(name: string, file: string, environment: Contender["environment"]): Contender {
  return { name, script: join(CONTENDERS, file), environment, api: PLAIN_API };
}

async function fillPglite(directory: string): Promise<void> {
  const engine = await PGlite.create(directory);
  const query = async (text: string, values: (string | string[])[] = []) => engine.query(text, values);
  await makeTables(query);
  await fillTables(query);
  await engine.close();
}

/** Installing and building a product takes minutes. If one fails, the others are still measured. */
async function prepareProducts(databases: Databases): Promise<Prepared> {
  const contenders: Contender[] = [];
  const absent: string[] = [];
  for (const product of ALL_PRODUCTS.filter(({ name }) => WANTED.test(name))) {
    process.stderr.write(`installing ${product.name}\n`);
    try {
      const database = product.name.toLowerCase();
      await databases.create(database, fillTexts);
      contenders.push(await prepareProduct(product, databases.urlOf(database)));
    } catch (thrown) {
      absent.push(`${product.name}: ${reasonOf(thrown)}`);
    }
  }
  return { contenders, absent };
}

function reasonOf(thrown: unknown): string {
  const lines = thrown instanceof Error ? thrown.message.split("\n") : [];
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "it does not run here";
}
