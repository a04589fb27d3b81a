import type { Registration } from "../domain/access.ts";
import { checkReadiness } from "./check-readiness.ts";
import { idempotentCommits } from "./idempotency/idempotent-commits.ts";
import { purgeExpiredIdempotencyKeys } from "./idempotency/purge-expired-idempotency-keys.ts";
import type { Clock } from "./ports/clock.ts";
import type { IdGenerator } from "./ports/id-generator.ts";
import type { Log } from "./ports/log.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import type { IdempotencyCipher } from "./ports/idempotency-cipher.ts";
import type { SessionTokens } from "./ports/session-tokens.ts";
import type { Storage } from "./ports/storage.ts";
import { createPost } from "./posts/create-post.ts";
import { deletePost } from "./posts/delete-post.ts";
import { getPost } from "./posts/get-post.ts";
import { findAuthors } from "./posts/find-authors.ts";
import { listPostsOfUser } from "./posts/list-posts-of-user.ts";
import { listPosts } from "./posts/list-posts.ts";
import { publishPost } from "./posts/publish-post.ts";
import { searchPosts } from "./posts/search-posts.ts";
import { unpublishPost } from "./posts/unpublish-post.ts";
import { updatePost } from "./posts/update-post.ts";
import { authenticate } from "./sessions/authenticate.ts";
import { listSessions } from "./sessions/list-sessions.ts";
import { logIn } from "./sessions/log-in.ts";
import { logOut } from "./sessions/log-out.ts";
import { purgeExpiredSessions } from "./sessions/purge-expired-sessions.ts";
import { revokeSession } from "./sessions/revoke-session.ts";
import { changePassword } from "./users/change-password.ts";
import { createUser } from "./users/create-user.ts";
import { deleteUser } from "./users/delete-user.ts";
import { ensureAdmin } from "./users/ensure-admin.ts";
import { finishRemovals } from "./users/finish-removals.ts";
import { getUser } from "./users/get-user.ts";
import { listUsers } from "./users/list-users.ts";
import { registerUser } from "./users/register-user.ts";
import { updateUser } from "./users/update-user.ts";

/** The adapters and settings of all use cases. */
export interface Dependencies extends Omit<Storage, "close"> {
  readonly hasher: PasswordHasher;
  readonly tokens: SessionTokens;
  readonly idempotencyCipher: IdempotencyCipher;
  readonly ids: IdGenerator;
  readonly clock: Clock;
  readonly log: Log;
  readonly registration: Registration;
  /** A session expires when it is idle for this time. */
  readonly sessionIdleMs: number;
}

export type UseCases = ReturnType<typeof useCases>;

/** Binds every use case to its dependencies, for the interfaces to call. */
export function useCases(adapters: Dependencies) {
  const dependencies = { ...adapters, commits: idempotentCommits(adapters) };
  const { finishRemoval, ...removals } = finishRemovals(dependencies);
  return {
    checkReadiness: checkReadiness(dependencies),
    purgeExpiredIdempotencyKeys: purgeExpiredIdempotencyKeys(dependencies),

    registerUser: registerUser(dependencies),
    createUser: createUser(dependencies),
    ensureAdmin: ensureAdmin(dependencies),
    getUser: getUser(dependencies),
    listUsers: listUsers(dependencies),
    updateUser: updateUser(dependencies),
    changePassword: changePassword(dependencies),
    deleteUser: deleteUser({ ...dependencies, finishRemoval }),
    ...removals,

    authenticate: authenticate(dependencies),
    logIn: logIn(dependencies),
    logOut: logOut(dependencies),
    listSessions: listSessions(dependencies),
    revokeSession: revokeSession(dependencies),
    purgeExpiredSessions: purgeExpiredSessions(dependencies),

    createPost: createPost(dependencies),
    getPost: getPost(dependencies),
    listPosts: listPosts(dependencies),
    searchPosts: searchPosts(dependencies),
    listPostsOfUser: listPostsOfUser(dependencies),
    findAuthors: findAuthors(dependencies),
    updatePost: updatePost(dependencies),
    publishPost: publishPost(dependencies),
    unpublishPost: unpublishPost(dependencies),
    deletePost: deletePost(dependencies),
  };
}
