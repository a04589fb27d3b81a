import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { sessionTokensContract } from "../../../src/contracts/session-tokens.contract.ts";

sessionTokensContract("Node's crypto", nodeSessionTokens);
