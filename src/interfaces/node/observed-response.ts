import { ServerResponse, type IncomingMessage } from "node:http";
import { writeTogether } from "./write-together.ts";

/** Observes a response. */
export interface ResponseObserver {
  /** Called before the head is written, while it can still announce that the connection closes. */
  beforeHead(): void;
  /** Called when the whole response has been written; `unsentBytes` of it wait for the client. */
  afterEnd(unsentBytes: number): void;
}

/** In UTF-16 code units. A longer text is encoded here, so that memory does not hold both the text and its bytes. */
const LONG_TEXT = 65_536;

export class ObservedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  observer: ResponseObserver | null = null;

  override writeHead(statusCode: number, ...rest: unknown[]): this {
    this.observer?.beforeHead();
    return super.writeHead(statusCode, ...(rest as []));
  }

  override end(...written: unknown[]): this {
    const [body] = written;
    if (typeof body === "string" && body.length > LONG_TEXT) written[0] = Buffer.from(body);
    writeTogether(() => {
      super.end(...(written as []));
      this.observer?.afterEnd(this.writableLength);
    });
    return this;
  }
}
