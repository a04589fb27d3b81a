import { setTimeout as delay } from "node:timers/promises";
import { err, ok, safeTry, type Result } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { Repositories } from "../application/ports/unit-of-work.ts";
import type { PasswordHash } from "../domain/user/password.ts";
import { changeUser, type User } from "../domain/user/user.ts";
import { aSession, aUser, LATER } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import { signal } from "./signal.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";
import { withTransientRetry } from "./transient-retry.ts";

/** Long enough for the second unit to reach a lock of the first one. Without a lock, it has ended by then. */
const HEAD_START_MS = 200;

type Write = (repositories: Repositories) => Promise<Result<void, { readonly kind: string }>>;

/** No session that was opened with a password survives a change of it, whichever of the two units commits first. */
export function sessionRevocationContract(adapter: StorageUnderTest): void {
  describe(`A log-in beside a change of the password on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let user: User;

    beforeEach(async () => {
      storage = await emptied();
      user = aUser();
      (await storage.users.insert(user))._unsafeUnwrap();
    });

    const changePassword: Write = async ({ users, sessions }) =>
      safeTry(async function* () {
        yield* await users.update(changeUser(user, { passwordHash: "$new$" as PasswordHash }, LATER), user.version);
        return sessions.deleteByUser(user.id, null);
      });

    /** Runs a unit while another one has written and not ended. Returns the outcomes of both. */
    async function overlapping(first: Write, second: Write) {
      const [written, gate] = [signal(), signal()];
      const firstUnit = withTransientRetry(async () =>
        storage.unitOfWork.run(async (repositories) => {
          const outcome = await first(repositories);
          written.send();
          await gate.sent;
          return outcome;
        }),
      );
      await written.sent;
      const secondUnit = withTransientRetry(async () => storage.unitOfWork.run(second));
      await Promise.race([secondUnit, delay(HEAD_START_MS)]);
      gate.send();
      return [await firstUnit, await secondUnit] as const;
    }

    it("deletes a session whose unit was under way when the change began", async () => {
      const session = aSession(user.id);
      const insert: Write = async ({ sessions }) => sessions.insert(session, user.version);
      expect(await overlapping(insert, changePassword)).toEqual([ok(), ok()]);
      expect((await storage.sessions.findByTokenDigest(session.tokenDigest)).isErr()).toBe(true);
    });

    it("rejects a session whose unit began while the change was under way", async () => {
      const session = aSession(user.id);
      const insert: Write = async ({ sessions }) => sessions.insert(session, user.version);
      expect(await overlapping(changePassword, insert)).toEqual([ok(), err({ kind: "version_conflict" })]);
      expect((await storage.sessions.findByTokenDigest(session.tokenDigest)).isErr()).toBe(true);
    });
  });
}
