import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A proxy between a client and a server of this machine, like a firewall or a load balancer. */
export interface TcpProxy {
  readonly port: number;
  /** Drops the state of the current connections: they stay open, but no bytes on them arrive. */
  forget(): void;
  /** From now on new connections are accepted, but no bytes on them arrive either. */
  fallSilent(): void;
  close(): Promise<void>;
}

interface Relayed {
  isForgotten: boolean;
  readonly ends: readonly [Socket, Socket];
}

export async function startTcpProxy(targetPort: number, port = 0): Promise<TcpProxy> {
  const relayed = new Set<Relayed>();
  let isSilent = false;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const connection: Relayed = { isForgotten: isSilent, ends: [client, target] };
    relayed.add(connection);
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      from.on("data", (chunk) => connection.isForgotten || to.write(chunk));
      from.on("end", () => connection.isForgotten || to.end());
      from.on("close", () => connection.isForgotten || to.destroy());
      from.on("error", () => {});
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const forget = () => {
    for (const connection of relayed) connection.isForgotten = true;
  };
  return {
    port: (server.address() as AddressInfo).port,
    forget,
    fallSilent: () => {
      isSilent = true;
      forget();
    },
    close: async () => {
      for (const { ends } of relayed) for (const end of ends) end.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
