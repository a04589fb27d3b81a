import type { Storage } from "../application/ports/storage.ts";
import type { Repositories } from "../application/ports/unit-of-work.ts";
import { fail } from "../domain/shared/fail.ts";
import type { StorageFailure, StorageFailureReason } from "../domain/shared/storage-failure.ts";
import { openMemoryStorage } from "../infrastructure/memory/memory-storage.ts";

type MethodsOf<Port extends keyof Storage> = `${Port}.${keyof Storage[Port] & string}`;

/** A method of the storage ports, such as `posts.insert`. */
export type StorageMethod = { [Port in keyof Repositories | "unitOfWork" | "probe"]: MethodsOf<Port> }[
  keyof Repositories | "unitOfWork" | "probe"];

/** The reasons that a retry may resolve. */
const TRANSIENT: ReadonlySet<StorageFailureReason> = new Set(["unavailable", "busy"]);

/** A storage on which one method always fails with a reason, also inside units of work. All other methods work. */
export function failing(
  method: StorageMethod,
  reason: StorageFailureReason,
  storage: Storage = openMemoryStorage(),
): Storage {
  const [port, name] = method.split(".") as [keyof Storage, string];
  const failure: StorageFailure = {
    kind: "storage_failure",
    reason,
    isTransient: TRANSIENT.has(reason),
    operation: method,
    cause: { message: `${method} fails, because the test requires it.` },
  };
  const broken = <Ports extends Repositories>(ports: Ports): Ports =>
    port in ports
      ? { ...ports, [port]: replacing(ports[port as keyof Ports] as object, name, async () => fail(failure)) }
      : ports;
  const { unitOfWork } = storage;
  return broken({
    ...storage,
    unitOfWork: { run: async (work) => unitOfWork.run(async (repositories) => work(broken(repositories))) },
    close: async () => storage.close(),
  });
}

/** An object with one method replaced. The other methods run on the object itself, which may be the instance of a class. */
function replacing(object: object, name: string, method: () => Promise<unknown>): object {
  return new Proxy(object, {
    get: (target, key) => {
      const own: unknown = key === name ? method : Reflect.get(target, key);
      return typeof own === "function" ? (own.bind(target) as unknown) : own;
    },
  });
}
