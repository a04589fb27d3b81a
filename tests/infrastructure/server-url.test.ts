import { describe, expect, it } from "vitest";
import { parseServerUrl, withoutSecrets } from "../../src/infrastructure/postgresql/server-url.ts";

const tlsOf = (raw: string) => parseServerUrl(raw)._unsafeUnwrap().tls;

describe("the URL of a server", () => {
  it.each([
    ["postgres://ada:secret@db.example.org:5433/quire", "verified by its certificate", {}],
    ["postgresql://db.example.org/quire", "verified by its certificate", {}],
    ["postgres://localhost/quire", "on this machine, so without TLS", false],
    ["postgres://127.0.0.1:5432,127.0.0.2:5433/quire", "on this machine, so without TLS", false],
    ["postgres://ada@[::1]:5432/quire", "on this machine, so without TLS", false],
    ["postgres://localhost,db.example.org/quire", "verified when one of several is elsewhere", {}],
    ["postgres://localhost/quire?sslmode=verify-full", "verified when that is asked for", {}],
    ["postgres://db.example.org/quire?sslmode=disable", "without TLS when that is asked for", false],
    ["postgres://db.example.org/quire?sslmode=prefer", "with TLS where there is some", "prefer"],
    ["postgres://db.example.org/quire?sslmode=require", "with TLS, whoever it is", { rejectUnauthorized: false }],
    ["postgres://db.example.org/quire?sslrootcert=system", "verified by the system's authorities", {}],
  ])("%s is %s", (raw, _case, tls) => {
    expect(tlsOf(raw)).toEqual(tls);
  });

  it("with verify-ca does not ask whom a certificate names", () => {
    const tls = tlsOf("postgres://db.example.org/quire?sslmode=verify-ca");
    expect(tls).toEqual({ checkServerIdentity: expect.any(Function) as unknown });
    expect((tls as { checkServerIdentity(): unknown }).checkServerIdentity()).toBeUndefined();
  });

  it("keeps hosts and settings, and takes away what is no setting", () => {
    const raw = "postgres://ada:p%40ss@a:1,b:2/quire?sslmode=require&target_session_attrs=primary&sslrootcert=system";
    expect(parseServerUrl(raw)._unsafeUnwrap().url).toBe(
      "postgres://ada:p%40ss@a:1,b:2/quire?target_session_attrs=primary",
    );
  });

  it.each([
    ["mysql://localhost/quire", "must look like"],
    ["localhost:5432", "must look like"],
    ["postgres://host:port/quire", "must look like"],
    ["postgres://localhost/quire?sslmode=maybe", "sslmode"],
    ["postgres://localhost/quire?sslmode=verify-full&sslrootcert=/nowhere.crt", "sslrootcert"],
  ])("%s is refused, without being shown", (raw, detail) => {
    const refused = parseServerUrl(raw)._unsafeUnwrapErr();
    expect(refused.detail).toContain(detail);
    expect(refused.detail).not.toContain("/quire?");
  });

  it("is shown without user, password and settings", () => {
    const server = parseServerUrl("postgres://ada:secret@db.example.org:5433/quire?target_session_attrs=primary");
    expect(withoutSecrets(server._unsafeUnwrap())).toBe("postgres://db.example.org:5433/quire");
  });
});
