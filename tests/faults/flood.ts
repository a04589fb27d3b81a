import { connect } from "node:net";

const CONNECTIONS = 200;
/** How many requests a connection has sent before it waits for an answer. */
const DEPTH = 10;
const STATUS_LINE = "HTTP/1.1 ";

export interface Flood {
  /** How many answers had each status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Sends nothing more and closes the connections. */
  stop(): void;
}

/**
 * Asks for one path with 2,000 requests at a time and asks again for each that is answered, whatever the answer. It
 * costs little, so that it is the server that is measured: the answers are counted and not read.
 */
export function flood(url: string, path: string): Flood {
  const { hostname, port } = new URL(url);
  const request = `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
  const answers: Record<string, number> = {};
  const sockets = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect(Number(port), hostname).on("error", () => undefined);
    const length = STATUS_LINE.length + 3;
    let rest = "";
    socket.on("data", (chunk: Buffer) => {
      const text = rest + chunk.toString("latin1");
      let answered = 0;
      let end = 0;
      for (
        let at = text.indexOf(STATUS_LINE);
        at >= 0 && at + length <= text.length;
        at = text.indexOf(STATUS_LINE, end)
      ) {
        end = at + length;
        const status = text.slice(end - 3, end);
        answers[status] = (answers[status] ?? 0) + 1;
        answered++;
      }
      // A status line may begin at the end of one chunk and end in the next.
      rest = text.slice(Math.max(end, text.length - length + 1));
      if (answered > 0) socket.write(request.repeat(answered));
    });
    socket.write(request.repeat(DEPTH));
    return socket;
  });
  return {
    answers,
    stop: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
