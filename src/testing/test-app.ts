import type { Storage } from "../application/ports/storage.ts";
import type { Role, User } from "../domain/user/user.ts";
import { openMemoryStorage } from "../infrastructure/memory/memory-storage.ts";
import type { MaintainedStorage } from "../bootstrap/background/background-work.ts";
import { compose, type Composed, type Overrides } from "../bootstrap/compose.ts";
import { fakeHasher } from "./fake-hasher.ts";
import { email, ids, name, password, recordingLog, testClock, type TestClock } from "./fixtures.ts";
import { indexedBeforeSearch } from "./indexed-before-search.ts";

/** The password of every user of a test. */
export const PASSWORD = "correct horse battery staple";

export interface TestAppOptions extends Overrides {
  /** The storage; by default a new memory storage. */
  readonly storage?: MaintainedStorage;
  /** The clock; by default one that stands still until the test moves it. */
  readonly clock?: TestClock;
}

/** A user of the app with a session. */
export interface TestUser {
  readonly user: User;
  readonly token: string;
  /** The headers of a request that the user sends with JSON. */
  readonly headers: Readonly<Record<"Authorization" | "Content-Type", string>>;
}

export interface TestApp extends Composed {
  readonly storage: Storage;
  readonly clock: TestClock;
  readonly log: ReturnType<typeof recordingLog>;
  /** Creates an author with a session. Throws if the storage refuses it. */
  readonly author: () => Promise<TestUser>;
  /** Creates an admin with a session, as {@link author}. */
  readonly admin: () => Promise<TestUser>;
}

let people = 0;

/**
 * The API for a test: a test clock, a log that records, a hasher without cost, and no rate limits. There is no background
 * work: a search brings the index up to date itself.
 */
export function testApp({ storage: given, clock = testClock(), ...overrides }: TestAppOptions = {}): TestApp {
  const log = recordingLog();
  const opened = given ?? openMemoryStorage();
  const storage = given?.searchIndex === undefined ? opened : indexedBeforeSearch(opened, given.searchIndex);
  const http = { requestsPerMinute: 0, logInsPerMinute: 0, ...overrides.http };
  const { app, useCases } = compose({ ...storage, hasher: fakeHasher, ids, log, ...overrides, clock, http });

  const userOf = async (role: Role): Promise<TestUser> => {
    const address = `${role}${++people}@example.org`;
    const fields = { name: name("Ada"), email: email(address), password: password(PASSWORD), role };
    const user = (await useCases.createUser(fields))._unsafeUnwrap();
    const { value } = (await useCases.logIn({ email: address, password: PASSWORD }, null))._unsafeUnwrap();
    const { token } = value;
    return { user, token, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" } };
  };

  return {
    app,
    useCases,
    storage,
    clock,
    log,
    author: async () => userOf("author"),
    admin: async () => userOf("admin"),
  };
}
