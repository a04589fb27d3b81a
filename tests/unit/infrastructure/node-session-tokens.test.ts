import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { sessionTokensContract } from "../../contract/ports/session-tokens.contract.ts";

sessionTokensContract("Node's crypto", nodeSessionTokens);
