// Somebody with one connection beside somebody with two hundred: what is left for the one?
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { apiClient } from "./api_client.ts";
import { eventually, pause } from "./eventually.ts";
import type { HogReport } from "./hog.ts";
import { type MasterProcess, root, serverCommand } from "./master_process.ts";
import { masterUser } from "./master_user.ts";
import { Program } from "./program.ts";

const connections = 200, objects = 2_000, admins = ["system:masters"];
export const crowd = "/api/v1/namespaces/crowd/configmaps";

/** A namespace with enough in it that a list of it is work. */
export async function makeCrowd({ client }: MasterProcess): Promise<void> {
  await client.ask("POST", "/api/v1/namespaces", { body: { metadata: { name: "crowd" } } });
  for (let made = 0; made < objects; made += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => {
      const body = { metadata: { name: `one-${made + index}` }, data: { x: "x".repeat(500) } };
      return client.ask("POST", crowd, { body }).then(({ status }) => {
        if (status !== 201) throw new Error(`a ConfigMap is answered with ${status}`);
      });
    }));
  }
}

/** Milliseconds of reads and writes of somebody who does one at a time. */
export async function quiet(master: MasterProcess, requests: number): Promise<number[]> {
  const client = apiClient(await masterUser(master, "quiet", admins), { sockets: 1 }), tookMs: number[] = [];
  try {
    for (let index = 0; index < requests; index++) {
      const from = performance.now(), body = { metadata: { generateName: "quiet-" } };
      const { status } = await (index % 4 ? client.ask("GET", `${crowd}/one-7`) : client.ask("POST", crowd, { body }));
      if (status >= 300) throw new Error(`the quiet client is answered with ${status}`);
      tookMs.push(performance.now() - from);
      await pause(5);
    }
  } finally {
    client.close();
  }
  return tookMs;
}

/** Runs `body` while the hog is at it with all its connections. */
export async function besideHog<T>(master: MasterProcess, body: () => Promise<T>): Promise<{ result: T; hog: HogReport }> {
  const file = `${master.directory}/hog.json`, program = new Program("hog");
  await writeFile(file, JSON.stringify(await masterUser(master, "hog", admins)), { mode: 0o600 });
  const [engine, args] = serverCommand("node", root, "test/kit/hog.ts", file, crowd, String(connections));
  const report = (): HogReport =>
    JSON.parse(program.own.split("\n").findLast((line) => line.startsWith("REPORT ") && line.endsWith("}"))!.slice(7));
  try {
    await program.launch({ program: engine, args, cwd: root, env: process.env, ready: (own) => /^REPORT .*\n/m.test(own) });
    await eventually(
      "all of the hog's connections have been answered",
      () => Object.values(report().answers).reduce((a, b) => a + b, 0) > connections,
    );
    const result = await body();
    return { result, hog: report() };
  } finally {
    await program.kill();
  }
}
