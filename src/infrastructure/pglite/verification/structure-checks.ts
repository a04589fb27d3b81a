import { describeError } from "../../node/describe-error.ts";
import type { Query } from "../backup/scratch-engine.ts";
import { damagedCheck, passed, type CheckResult } from "./report.ts";

const RESTORE = "Restore a proven backup: quire restore --from <backup> --to <new directory>.";
const REINDEX =
  "The rows are intact. Copy them into a new directory, which builds the indexes anew: quire move --from <data directory> --to <new directory>.";

const OWN_SCHEMAS =
  "(select oid from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'amcheck'))";

/** A table can only be read without its indexes, which may be what is damaged. */
const WITHOUT_INDEXES = ["enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"];

/** Checks every page of every table and of its long values (amcheck, PostgreSQL 18, F.1). */
export async function checkTables(query: Query): Promise<CheckResult> {
  const tables = await query(`select c.oid::regclass::text from pg_class c
    left join pg_class owner on owner.reltoastrelid = c.oid
    where c.relkind in ('r', 't') and coalesce(owner.relnamespace, c.relnamespace) in ${OWN_SCHEMAS} order by 1`);
  const names = tables.rows.map(([name]) => name ?? "");
  const faults = await faultsOf(names, async (table) => {
    const found = await query(`select blkno::text, coalesce(offnum::text, '-'), msg from verify_heapam($1::regclass)`, [
      table,
    ]);
    return found.rows.map(([block, offset, message]) => `${table}, page ${block}, row ${offset}: ${message}`);
  });
  if (faults.length > 0) return damagedCheck("tables", faults, RESTORE);
  return passed("tables", `every page of ${names.length} tables is well-formed`);
}

/** Looks up every row in every B-tree index and each unique key once, and compares the pages of each GIN index. */
export async function checkEveryIndex(query: Query): Promise<CheckResult> {
  const indexes = await query(`select i.indexrelid::regclass::text, a.amname from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam join pg_class t on t.oid = i.indrelid
    left join pg_class owner on owner.reltoastrelid = t.oid
    where coalesce(owner.relnamespace, c.relnamespace) in ${OWN_SCHEMAS} and a.amname in ('btree', 'gin') order by 1`);
  const kinds = new Map(indexes.rows.map(([index, kind]) => [index ?? "", kind]));
  const faults = await faultsOf([...kinds.keys()], async (index) => {
    await query(
      kinds.get(index) === "gin"
        ? "select gin_index_check($1::regclass)"
        : "select bt_index_check($1::regclass, true, i.indisunique) from pg_index i where i.indexrelid = $1::regclass",
      [index],
    );
    return [];
  });
  if (faults.length > 0) return damagedCheck("indexes", faults, REINDEX);
  return passed("indexes", `${kinds.size} indexes have every row of their tables`);
}

/** Foreign keys and check constraints, by the rows alone. */
export async function checkConstraints(query: Query): Promise<CheckResult> {
  for (const setting of WITHOUT_INDEXES) await query(`set ${setting} = off`);
  const constraints = await query(`select conrelid::regclass || '.' || conname,
    case contype
      when 'c' then format('select count(*)::text from %s where not (%s)', conrelid::regclass, pg_get_expr(conbin, conrelid))
      else format('select count(*)::text from %s as child where %s and not exists (select from %s as parent where %s)',
        conrelid::regclass,
        (select string_agg(format('child.%I is not null', a.attname), ' and ')
          from unnest(conkey) k join pg_attribute a on a.attrelid = conrelid and a.attnum = k),
        confrelid::regclass,
        (select string_agg(format('parent.%I = child.%I', p.attname, c.attname), ' and ')
          from unnest(conkey, confkey) k(child, parent)
          join pg_attribute c on c.attrelid = conrelid and c.attnum = k.child
          join pg_attribute p on p.attrelid = confrelid and p.attnum = k.parent))
    end
    from pg_constraint where contype in ('c', 'f') and connamespace in ${OWN_SCHEMAS} order by 1`);
  const statements = new Map(constraints.rows.map(([name, statement]) => [name ?? "", statement ?? ""]));
  const faults = await faultsOf([...statements.keys()], async (name) => {
    const [[count] = []] = (await query(statements.get(name) ?? "")).rows;
    return count === "0" ? [] : [`${name}: ${count} rows violate it`];
  });
  for (const setting of WITHOUT_INDEXES) await query(`reset ${setting}`);
  if (faults.length > 0) return damagedCheck("constraints", faults, RESTORE);
  return passed("constraints", `every row satisfies ${statements.size} foreign keys and checks`);
}

/** Insufficient resources, operator intervention and system errors (PostgreSQL 18, Appendix A): the check could not run. */
const COULD_NOT_RUN = /^(?:53|57|580)/;

/** Runs a check on each object. An error of PostgreSQL in the check is a fault of the object. Throws any other error. */
async function faultsOf(names: readonly string[], check: (name: string) => Promise<readonly string[]>) {
  const faults: string[] = [];
  for (const name of names) {
    try {
      faults.push(...(await check(name)));
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown) || COULD_NOT_RUN.test(String(thrown.code))) throw thrown;
      faults.push(`${name}: ${describeError(thrown)}`);
    }
  }
  return faults;
}
