import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeAtomic } from "../../shared/platform/files.ts";
import type { RulesetFile } from "./proxy.ts";

/** The last ruleset on flash. */
export const rulesetFile = (path: string): RulesetFile => ({
  async read() {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
  },
  async write(text) {
    await mkdir(dirname(path), { recursive: true });
    await writeAtomic(path, text);
  },
});
