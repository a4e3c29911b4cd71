// Masters whose state is in a real etcd, as users run them.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { EtcdClient } from "../../master/store/etcd/client.ts";
import { Keys } from "../../master/store/etcd/keys.ts";
import { systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import type { EtcdProcess } from "./etcd_process.ts";
import { type MasterOptions, type MasterProcess, masterProcess } from "./master_process.ts";

/** What `serve` must be told of an etcd. */
export const etcdArgs = ({ urls, files }: EtcdProcess): string[] => [
  ...urls.flatMap((url) => ["--etcd", url]),
  ...["--etcd-ca", files.ca, "--etcd-cert", files.cert, "--etcd-key", files.key],
];

/** The first begins the cluster, the others come to it. All up. */
export async function startEtcdMasters(etcd: EtcdProcess, count: number, options: MasterOptions = {}): Promise<MasterProcess[]> {
  const masters: MasterProcess[] = [];
  try {
    for (let at = 0; at < count; at++) {
      const master = await masterProcess({ ...options, args: [...etcdArgs(etcd), ...options.args ?? []] });
      masters.push(master);
      if (at > 0) copyAuthority(masters[0]!, master);
      await master.start();
    }
    return masters;
  } catch (error) {
    await Promise.all(masters.map((master) => master.close()));
    throw error;
  }
}
export function copyAuthority(from: MasterProcess, to: MasterProcess): void {
  mkdirSync(`${to.dataDir}/pki`, { recursive: true, mode: 0o700 });
  for (const name of ["ca.crt", "ca.key"]) copyFileSync(`${from.dataDir}/pki/${name}`, `${to.dataDir}/pki/${name}`);
}

/** Who leads, as the note in etcd says. */
export async function etcdLeaderOf(etcd: EtcdProcess, masters: readonly MasterProcess[]): Promise<MasterProcess | undefined> {
  const client = new EtcdClient({ clock: systemClock, log: silentLog }, etcd.urls, etcd.tls);
  try {
    const { kvs: [kv] } = await client.call("range", { key: new Keys("/skerry").ofNote("leader") }, "read who leads");
    const id = kv && new TextDecoder().decode(kv.value);
    return masters.find(({ dataDir }) => readFileSync(`${dataDir}/etcd/member`, "utf8").trim() === id);
  } finally {
    client.close();
  }
}
