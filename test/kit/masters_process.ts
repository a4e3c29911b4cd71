// Several masters of one cluster as users run them: each a process of its own, peers over real TLS.
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import * as assert from "uvu/assert";
import type { MemberView } from "../../master/store/members.ts";
import { freePort } from "./free_port.ts";
import { command, type MasterProcess, masterProcess, type Runtime, runtime } from "./master_process.ts";

export interface PeeredMaster extends MasterProcess {
  readonly name: string;
  /** Where the others reach it. */
  readonly address: string;
}

/** That begin together, all up. @param dataDirs where they keep their data, if not in new directories */
export async function startMasters(count: number, on: Runtime = runtime, dataDirs: readonly string[] = []): Promise<PeeredMaster[]> {
  const addresses = await Promise.all(Array.from({ length: count }, async () => `127.0.0.1:${await freePort()}`));
  const cluster = addresses.flatMap((address, at) => ["--initial-cluster", `m${at}=${address}`]);
  const masters = await Promise.all(addresses.map(async (address, at): Promise<PeeredMaster> => {
    const args = ["--peer-listen", address, "--name", `m${at}`, ...cluster], dataDir = dataDirs[at];
    const master = await masterProcess({ runtime: on, args, ...(dataDir && { dataDir }) });
    return Object.assign(master, { name: `m${at}`, address });
  }));
  const [program, args] = command("master/main.ts", "pki", "create", "--data-dir", masters[0]!.dataDir);
  const made = spawnSync(program, args, { encoding: "utf8" });
  assert.is(made.status, 0, made.stderr);
  for (const { dataDir } of masters.slice(1)) cpSync(`${masters[0]!.dataDir}/pki`, `${dataDir}/pki`, { recursive: true });
  try {
    await Promise.all(masters.map((master) => master.start()));
    return masters;
  } catch (error) {
    await Promise.all(masters.map((master) => master.close()));
    throw error;
  }
}

/** As one of them sees the members. */
export async function membersOf({ client }: MasterProcess): Promise<MemberView[]> {
  const { status, body } = await client.ask("GET", "/skerry/v1/members", { timeoutMs: 5_000 });
  assert.is(status, 200, JSON.stringify(body));
  return body.members;
}

/** Of those that answer, the one that leads. */
export async function leaderOf(masters: readonly PeeredMaster[]): Promise<PeeredMaster | undefined> {
  for (const master of masters) {
    const members = await membersOf(master).catch(() => []), leader = members.find(({ role }) => role === "leader");
    // Only a leader knows who lags.
    if (leader?.lag !== undefined) return masters.find(({ address }) => address === leader.address);
  }
  return undefined;
}
