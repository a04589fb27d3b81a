import { describe, expect, it } from "vitest";
import { readError, writeError } from "../../../src/infrastructure/postgresql/client/connection-error.ts";

const errorWith = (code: string) => Object.assign(new Error("the reason"), { code });
const like = (code: string): unknown => expect.objectContaining({ code, message: "the reason" });

describe("the error of a statement", () => {
  it.each(["57P01", "57P02", "CONNECTION_CLOSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"])(
    "says with 08007 that the outcome of a write is unknown after %s, and with 08006 that a read is lost",
    (code) => {
      expect(writeError(errorWith(code))).toEqual(like("08007"));
      expect(readError(errorWith(code))).toEqual(like("08006"));
    },
  );

  it.each(["CONNECT_TIMEOUT", "ECONNREFUSED", "EHOSTUNREACH", "ENOTFOUND"])(
    "says with 08001 that nothing was sent after %s",
    (code) => {
      expect(writeError(errorWith(code))).toEqual(like("08001"));
      expect(readError(errorWith(code))).toEqual(like("08001"));
    },
  );

  it.each(["23505", "40001", "57014", "57P03"])("stays as it is with the SQLSTATE %s", (code) => {
    const error = errorWith(code);
    expect(writeError(error)).toBe(error);
    expect(readError(error)).toBe(error);
  });
});
