import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../../src/bootstrap/config.ts";
import { openExistingStorage } from "../../../src/bootstrap/open-storage.ts";
import { runCommandLine } from "../../../src/bootstrap/run-command-line.ts";
import { aPublishedPost, aUser, recordingLog } from "../../../src/testing/fixtures.ts";
import { fakeTerminal } from "../../unit/cli/fake-terminal.ts";

/** The variables that name a database which does not exist yet, and the text by which a command names it. */
interface NewDatabase {
  readonly environment: Readonly<Record<string, string>>;
  readonly location: string;
}

const UUID = /[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** The commands that use either storage. The tests run in order on one database, which the second one creates. */
export function commandLineContract(storage: string, newDatabase: () => Promise<NewDatabase>): void {
  describe(`the commands on ${storage}`, () => {
    let database: NewDatabase;
    beforeAll(async () => {
      database = await newDatabase();
    });
    afterEach(() => vi.unstubAllEnvs());

    async function run(args: string, input = "a long password") {
      for (const [name, value] of Object.entries(database.environment)) vi.stubEnv(name, value);
      const { terminal, printed } = fakeTerminal({ input });
      const done = await runCommandLine(["node", "quire", ...args.split(" ")], terminal);
      const lines = printed.map((line) => line.replaceAll(UUID, "<id>").replaceAll(TIME, "<time>"));
      return done.isErr() ? done.error : lines.map((line) => line.replace(database.location, "<database>"));
    }

    const ADA = "--name Ada --email ada@example.org --password-stdin";
    const GRACE = "--role admin --name Grace --email grace@example.org --password-stdin";

    it("reject a database that does not exist with no_database", async () => {
      for (const command of [`user create ${ADA}`, "user list", "user role ada@example.org admin", "reindex"]) {
        expect(await run(command)).toMatchObject({ kind: "no_database" });
      }
    });

    it("create the database and users, and print the id, the role and the location", async () => {
      expect(await run(`user create --new-database ${GRACE}`)).toEqual([
        "Created the admin grace@example.org with the id <id> in <database>.",
      ]);
      expect(await run(`user create ${ADA}`)).toEqual([
        "Created the author ada@example.org with the id <id> in <database>.",
      ]);
    });

    it("reject an address that another user has, and a password that is too short", async () => {
      expect(await run(`user create ${ADA}`)).toMatchObject({ kind: "email_taken" });
      expect(await run("user create --name Eve --email eve@example.org --password-stdin", "short")).toMatchObject({
        kind: "answer_refused",
        answer: "password",
      });
    });

    it("list the users, newest first, as columns and as JSON", async () => {
      expect(await run("user list")).toEqual([
        "<id>  author  ada@example.org  Ada",
        "<id>  admin   grace@example.org  Grace",
      ]);
      expect(await run("user list --json")).toEqual([
        '{"id":"<id>","email":"ada@example.org","name":"Ada","role":"author","createdAt":"<time>"}',
        '{"id":"<id>","email":"grace@example.org","name":"Grace","role":"admin","createdAt":"<time>"}',
      ]);
    });

    it("change the role of a user, and reject the last admin and an unknown user", async () => {
      expect(await run("user role ada@example.org author")).toEqual([
        "ada@example.org has the role author in <database>.",
      ]);
      expect(await run("user role grace@example.org author")).toEqual({ kind: "last_admin" });
      expect(await run("user role no@example.org admin")).toEqual({ kind: "user_not_found" });
    });

    it("set a password, and reject an unknown user", async () => {
      expect(await run("user password ada@example.org --password-stdin", "another password")).toEqual([
        "Changed the password of ada@example.org and revoked all of their sessions in <database>.",
      ]);
      expect(await run("user password no@example.org --password-stdin")).toEqual({ kind: "user_not_found" });
    });

    it("rebuild the search index, and print the number of posts", async () => {
      expect(await run("reindex")).toEqual(["Indexed 0 posts for the search in <database>."]);
    });

    it("index all posts again with reindex, also those that the index has already", async () => {
      const config = readConfig(database.environment)._unsafeUnwrap();
      const storage = (await openExistingStorage(config, recordingLog()))._unsafeUnwrap();
      const author = aUser();
      (await storage.users.insert(author))._unsafeUnwrap();
      for (let posts = 0; posts < 2; posts++) (await storage.posts.insert(aPublishedPost(author.id)))._unsafeUnwrap();
      (await storage.searchIndex.sweep())._unsafeUnwrap();
      (await storage.close())._unsafeUnwrap();
      expect(await run("reindex")).toEqual(["Indexed 2 posts for the search in <database>."]);
    });
  });
}
