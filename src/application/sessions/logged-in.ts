import type { UserProfile } from "../../domain/user/user-profile.ts";
import type { SessionId } from "../../domain/shared/id.ts";
import { isSessionToken, type SessionToken } from "../../domain/session/session.ts";
import { dateIn, fieldsOf, idIn, textIn, type Snapshot } from "../idempotency/snapshot.ts";
import { PROFILE_SNAPSHOT } from "../users/profile-snapshot.ts";

/** The result of a log-in: a new session, and the profile of its user. */
export interface LoggedIn {
  readonly id: SessionId;
  readonly token: SessionToken;
  readonly expiresAt: Date;
  readonly user: UserProfile;
}

export const LOGGED_IN_SNAPSHOT: Snapshot<LoggedIn> = {
  write: ({ user, ...session }) => ({ ...session, user: PROFILE_SNAPSHOT.write(user) }),

  read: (data) => {
    const fields = fieldsOf(data);
    const id = idIn<SessionId>(fields["id"]);
    const token = textIn(fields["token"]);
    const expiresAt = dateIn(fields["expiresAt"]);
    const user = PROFILE_SNAPSHOT.read(fields["user"]);
    if (id === null || expiresAt === null || user === null || token === null || !isSessionToken(token)) return null;
    return { id, token, expiresAt, user };
  },
};
