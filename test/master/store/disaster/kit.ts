// Stores on disks in memory, for what is done to them when no master runs.
import { Buffer } from "node:buffer";
import { type EmbeddedConfig, openMember } from "../../../../master/store/embedded.ts";
import type { OpenedStore } from "../../../../master/store/face.ts";
import type { Members } from "../../../../master/store/members.ts";
import type { BackupSource } from "../../../../master/store/replica_needs.ts";
import type { SnapshotHeader } from "../../../../master/store/snapshot_format.ts";
import { soleVoter } from "../../../../master/store/raft/membership.ts";
import { HandCrankedClock, seeded } from "../../../../shared/util/clock.ts";
import { silentLog } from "../../../../shared/util/log.ts";
import type { CrashFiles } from "../../../kit/crash_files.ts";

export const clock = new HandCrankedClock();
export const needs = (files: CrashFiles, seed = 1) => ({ clock, random: seeded(seed), files, log: silentLog });
export const header: SnapshotHeader = {
  clusterId: "c".repeat(32),
  clusterEpoch: "e".repeat(16),
  index: 40,
  term: 7,
  time: 1_700_000_000_000,
  revision: 30,
  compactRevision: 5,
  conf: { ...soleVoter(3), removed: [1], learners: [4], addresses: { 3: "three:6444", 4: "four:6444" } },
  clusterVersion: 1,
};

export interface Opened {
  readonly store: OpenedStore;
  readonly members: Members;
  readonly backup: () => Promise<BackupSource>;
}
export const open = (files: CrashFiles, config: Partial<EmbeddedConfig> = {}, seed = 1): Promise<Opened> =>
  openMember(needs(files, seed), { dataDir: "/raft", segmentBytes: 16_384, ...config });
export const put = async ({ store }: Opened, key: string, value: string): Promise<number> =>
  (await store.txn({ compares: [], then: [{ do: "put", key, value: Buffer.from(value) }] })).revision;
export const remove = ({ store }: Opened, key: string) => store.txn({ compares: [], then: [{ do: "delete", key }] });
export async function content({ store }: Pick<Opened, "store">): Promise<Record<string, string>> {
  const { items } = await store.list("");
  return Object.fromEntries(items.map(({ key, value }) => [key, Buffer.from(value).toString()]));
}
export async function bytesOf(source: BackupSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source.bytes()) parts.push(part.slice());
  return Buffer.concat(parts);
}
/** Puts a file there, as if it had been copied. */
export async function copyTo(files: CrashFiles, path: string, bytes: Uint8Array): Promise<void> {
  await files.remove(path);
  await (await files.create(path)).write(bytes, 0);
}
