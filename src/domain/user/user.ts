import type { Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import type { EmailAddress } from "./email-address.ts";
import type { UserId } from "../shared/id.ts";
import type { PasswordHash } from "./password.ts";
import { singleLineText, textOfLength } from "../shared/text.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../shared/version.ts";
import type { Violation } from "../shared/violation.ts";

/** Authors write and change their own posts. Admins change all posts and set roles. */
export type Role = (typeof ROLES)[number];

export const ROLES = ["author", "admin"] as const;

/** 1 to 100 characters of {@link singleLineText}, trimmed. A name that was stored earlier may follow an older rule. */
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

export const MAX_NAME_LENGTH = 100;

/** Parses and trims a name. */
export function parseUserName(raw: string): Result<UserName, Violation> {
  return singleLineText(raw.trim(), 1, MAX_NAME_LENGTH).map((text) => text as UserName);
}

/** Whether a store may hold this as a name. A name that was accepted earlier stays valid when the rule changes. */
export function isStoredName(text: string): text is UserName {
  return textOfLength(text, 1, MAX_NAME_LENGTH).isOk();
}

export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

export function newUser(fields: Pick<User, "id" | "name" | "email" | "passwordHash" | "role">, now: Date): User {
  return { ...fields, version: FIRST_VERSION, createdAt: now, updatedAt: now };
}

/** The changeable fields of a user. An omitted field stays unchanged. */
export interface UserChanges {
  readonly name?: UserName;
  readonly email?: EmailAddress;
  readonly role?: Role;
  readonly passwordHash?: PasswordHash;
}

/** Returns the user with the changes and the next version, or the same object when they change nothing. */
export function changeUser(user: User, changes: UserChanges, now: Date): User {
  const changed = { ...user, ...changes };
  const same =
    changed.name === user.name &&
    changed.email === user.email &&
    changed.role === user.role &&
    changed.passwordHash === user.passwordHash;
  return same ? user : { ...changed, version: nextVersion(user.version), updatedAt: now };
}
