import * as z from "zod";
import { REGISTRATIONS, type Registration } from "../../domain/access.ts";
import { parseEmailAddress, type EmailAddress } from "../../domain/user/email-address.ts";
import { parsePassword, type Password } from "../../domain/user/password.ts";
import { DAY_MS, DEFAULT_REGISTRATION, DEFAULT_SESSION_IDLE_DAYS } from "../default-settings.ts";
import { domainValue, wholeNumber } from "./variable-values.ts";

export interface AccountConfig {
  readonly sessionIdleMs: number;
  /** Whether anybody may register, or only admins create users. */
  readonly registration: Registration;
  /** The admin to create at a start without an admin; `null` for none. */
  readonly firstAdmin: { readonly email: EmailAddress; readonly password: Password } | null;
}

export const AccountVariables = z.object({
  QUIRE_REGISTRATION: z
    .enum(REGISTRATIONS, { error: `must be ${REGISTRATIONS.join(" or ")}` })
    .default(DEFAULT_REGISTRATION),
  QUIRE_SESSION_IDLE_DAYS: wholeNumber(1, 3650).default(DEFAULT_SESSION_IDLE_DAYS),
  QUIRE_ADMIN_EMAIL: domainValue(parseEmailAddress, "an e-mail address").optional(),
  QUIRE_ADMIN_PASSWORD: domainValue(parsePassword, "a password of 8 to 1,024 characters").optional(),
});

/** The variable of the first admin that is missing while the other one is set; `null` if both or none are set. */
export function missingAdminVariable({
  QUIRE_ADMIN_EMAIL: email,
  QUIRE_ADMIN_PASSWORD: password,
}: z.infer<typeof AccountVariables>) {
  if ((email === undefined) === (password === undefined)) return null;
  return email === undefined
    ? { missing: "QUIRE_ADMIN_EMAIL", given: "QUIRE_ADMIN_PASSWORD" }
    : { missing: "QUIRE_ADMIN_PASSWORD", given: "QUIRE_ADMIN_EMAIL" };
}

export function accountConfig(variables: z.infer<typeof AccountVariables>): AccountConfig {
  const { QUIRE_ADMIN_EMAIL: email, QUIRE_ADMIN_PASSWORD: password } = variables;
  return {
    sessionIdleMs: variables.QUIRE_SESSION_IDLE_DAYS * DAY_MS,
    registration: variables.QUIRE_REGISTRATION,
    firstAdmin: email === undefined || password === undefined ? null : { email, password },
  };
}
