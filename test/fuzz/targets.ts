// All there are.
import type { Target } from "./target.ts";
import { apiTarget } from "./targets/api.ts";

export const targets: readonly Target[] = [apiTarget];
