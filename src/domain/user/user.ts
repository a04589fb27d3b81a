import type { Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import type { EmailAddress } from "./email-address.ts";
import type { UserId } from "../shared/id.ts";
import type { PasswordHash } from "./password.ts";
import { singleLineText, textOfLength } from "../shared/text.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../shared/version.ts";
import type { Violation } from "../shared/violation.ts";

/** An author writes and changes their own posts; an admin changes everyone's, and gives roles. */
export type Role = (typeof ROLES)[number];

export const ROLES = ["author", "admin"] as const;

/** 1 to 100 characters of {@link singleLineText}, with no white space at either end. One that was stored earlier may have others. */
export type UserName = Branded<string, "UserName">;

export interface User {
  readonly id: UserId;
  readonly name: UserName;
  readonly email: EmailAddress;
  readonly passwordHash: PasswordHash;
  readonly role: Role;
  readonly version: Version;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const NAME_MAX_LENGTH = 100;

/** Reads a name and trims it. */
export function parseUserName(raw: string): Result<UserName, Violation> {
  return singleLineText(raw.trim(), 1, NAME_MAX_LENGTH).map((text) => text as UserName);
}

/** Whether a store may hold this as a name. A name that was accepted earlier stays valid when the rule changes. */
export function isStoredName(text: string): text is UserName {
  return textOfLength(text, 1, NAME_MAX_LENGTH).isOk();
}

export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

export function newUser(fields: Pick<User, "id" | "name" | "email" | "passwordHash" | "role">, now: Date): User {
  return { ...fields, version: FIRST_VERSION, createdAt: now, updatedAt: now };
}

/** What may change in a user; what is left out stays. */
export interface UserChanges {
  readonly name?: UserName;
  readonly email?: EmailAddress;
  readonly role?: Role;
  readonly passwordHash?: PasswordHash;
}

/** The user with the changes, one version on; the very same user when they change nothing. */
export function changeUser(user: User, changes: UserChanges, now: Date): User {
  const changed = { ...user, ...changes };
  const same =
    changed.name === user.name &&
    changed.email === user.email &&
    changed.role === user.role &&
    changed.passwordHash === user.passwordHash;
  return same ? user : { ...changed, version: nextVersion(user.version), updatedAt: now };
}
