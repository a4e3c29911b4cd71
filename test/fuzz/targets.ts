// All there are.
import type { Target } from "./target.ts";
import { apiTarget } from "./targets/api.ts";
import { nodeTarget } from "./targets/node.ts";
import { streamsTarget } from "./targets/streams.ts";
import { textsTarget } from "./targets/texts.ts";

export const targets: readonly Target[] = [apiTarget, textsTarget, nodeTarget, streamsTarget];
