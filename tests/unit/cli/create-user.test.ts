import { describe, expect, it } from "vitest";
import { parseAnswers } from "../../../src/interfaces/cli/create-user.ts";

const ANSWERS = { name: "Grace", email: "grace@example.org", password: "correct horse" };

describe("quire user create", () => {
  it("trims white space around the e-mail address", () => {
    const parsed = parseAnswers({ ...ANSWERS, email: " grace@example.org\t" });
    expect(parsed._unsafeUnwrap().email).toBe("grace@example.org");
  });

  it.each([
    ["name", "\u200b", /visible character/],
    ["name", "\u202egnp.exe", /bidirectional control/],
    ["name", "a\u0007b", /control character/],
    ["email", "grace", /e-mail address/],
    ["password", `a${"\u0300".repeat(16_200)}${"\u0316".repeat(16_200)}`, /at most 1024 characters/],
  ] as const)("rejects a %s that the API rejects, with the reason", (answer, raw, detail) => {
    const refused = parseAnswers({ ...ANSWERS, [answer]: raw })._unsafeUnwrapErr();
    expect(refused).toEqual({ kind: "answer_refused", answer, detail: expect.stringMatching(detail) as string });
  });
});
