import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export const PASSWORD = "correct horse battery staple";

export interface Reply {
  /** `null` if the connection ended without a response. */
  readonly status: number | null;
  readonly text: string;
}

interface Call {
  readonly token?: string;
  readonly body?: string | object;
}

/** A client of one server that connects from its own loopback address. */
export class Client {
  readonly #url: URL;
  readonly #localAddress: string;
  readonly #agent: Agent;

  constructor(url: string, localAddress: string, connections: number) {
    this.#url = new URL(url);
    this.#localAddress = localAddress;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  async call(method: string, path: string, { token, body }: Call = {}): Promise<Reply> {
    const text = typeof body === "object" ? JSON.stringify(body) : body;
    const headers = {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }),
    };
    const { hostname, port } = this.#url;
    const options = { hostname, port, method, path, headers, agent: this.#agent, localAddress: this.#localAddress };
    return new Promise((settle) => {
      const sent = request(options, (response) => {
        let received = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (received += chunk));
        response.on("end", () => settle({ status: response.statusCode ?? null, text: received }));
        response.on("error", () => settle({ status: null, text: received }));
      });
      sent.on("error", () => settle({ status: null, text: "" }));
      sent.end(text);
    });
  }

  /** Registers a user and logs in. Retries until the rate limits allow it. */
  async account(name: string): Promise<{ readonly id: string; readonly token: string }> {
    const email = `${name}@example.org`;
    for (;;) {
      await this.call("POST", "/v1/users", { body: { name, email, password: PASSWORD } });
      const session = await this.call("POST", "/v1/sessions", { body: { email, password: PASSWORD } });
      if (session.status === 201) {
        const { token, user } = JSON.parse(session.text) as { token: string; user: { id: string } };
        return { id: user.id, token };
      }
      await delay(1000);
    }
  }
}
