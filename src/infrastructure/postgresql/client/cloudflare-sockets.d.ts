/** A module of workerd (https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/). */
declare module "cloudflare:sockets" {
  export interface WorkerSocket {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
    /** Rejects if no connection is made. */
    readonly opened: Promise<unknown>;
    /** Returns the same connection with TLS, once nothing reads or writes on this one. */
    startTls(): WorkerSocket;
    close(): Promise<void>;
  }

  export function connect(
    /** A name or an address, and a port, such as `[::1]:5432`. */
    address: string,
    options: { readonly secureTransport: "off" | "starttls"; readonly allowHalfOpen: boolean },
  ): WorkerSocket;
}
