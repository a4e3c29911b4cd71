// The source with its types stripped, as what is shipped has none: a runtime that strips them itself holds the compiler for good (some 30 MB on Node), which says
// nothing about what it runs.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname } from "node:path";
import { root } from "../kit/master_process.ts";
import { temporary } from "./subject.ts";

/** A directory with master, shared and test/bench as plain JavaScript; gone with this process. */
export async function plainSource(): Promise<string> {
  const directory = await temporary();
  for (const top of ["master", "shared", "test/bench", "test/kit"]) {
    for (const path of readdirSync(`${root}/${top}`, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".ts")) continue;
      const to = `${directory}/${top}/${path.slice(0, -3)}.js`, text = stripTypeScriptTypes(readFileSync(`${root}/${top}/${path}`, "utf8"));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, text.replace(/((?:from|import)\s*\(?\s*"\.[^"]*)\.ts"/g, '$1.js"'));
    }
  }
  writeFileSync(`${directory}/package.json`, '{"type":"module"}');
  symlinkSync(`${root}/node_modules`, `${directory}/node_modules`);
  return directory;
}
