// How much memory this process holds, when all is gone that can go.
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export const residentBytes = (): number => process.memoryUsage().rss;

/** Both runtimes have it behind a flag of V8's, which may be set late. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = (globalThis as { gc?: () => void }).gc ?? runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) collect();
}
