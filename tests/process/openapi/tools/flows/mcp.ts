import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

declare const process: {
  argv: string[];
  execPath: string;
  env: Record<string, string>;
  stdout: { write(text: string): void };
};

/** Starts the generated MCP server as an MCP host does, and calls its tools. */
const client = new Client({ name: "quire-test", version: "1" });
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [process.argv[2] ?? ""],
    env: process.env,
    stderr: "ignore",
  }),
);
const call = async (name: string, args: Record<string, unknown>) =>
  process.stdout.write(`${JSON.stringify(await client.callTool({ name, arguments: args })).replaceAll("\\", "")}\n`);

await call("createPost", {
  requestBody: { title: "Otters", content: "Words about otters.", status: "published" },
});
await call("listPosts", { q: "otters", limit: 1, count: true });
await client.close();
