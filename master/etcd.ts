// How a master belongs to a cluster whose state is in somebody's etcd: what it must be told, and who it is there.
import { access, mkdir, readFile } from "node:fs/promises";
import { writeAtomic } from "../shared/platform/files.ts";
import type { Clock, Random } from "../shared/util/clock.ts";
import { ConfigError } from "../shared/util/config.ts";
import type { Log } from "../shared/util/log.ts";
import type { MasterConfig } from "./config.ts";
import type { EtcdTls } from "./store/etcd/endpoint.ts";
import type { Masters } from "./store/etcd/masters.ts";
import type { OpenedStore } from "./store/face.ts";
import { nodeFiles } from "./store/files.ts";
import { newId } from "./store/identity.ts";
import { StoreError } from "./store/store.ts";

type EtcdOptions = Pick<
  MasterConfig,
  "dataDir" | "etcd" | "etcdCa" | "etcdCert" | "etcdKey" | "etcdPrefix" | "initialCluster" | "join" | "peerListen" | "peerAdvertise"
>;

/** A data directory is one way's or the other's: begun again the other way, a cluster would seem to be empty. @throws ConfigError */
export async function mustBelong(config: EtcdOptions): Promise<void> {
  const { dataDir, etcd } = config, isThere = (name: string) => access(`${dataDir}/${name}`).then(() => true, () => false);
  if (etcd.length === 0) {
    const told = (["etcdCa", "etcdCert", "etcdKey"] as const).find((name) => config[name] !== "");
    if (told) throw new ConfigError(`Cannot use --${flags[told]} without --etcd, which says where etcd is`);
    if (!await isThere("etcd")) return;
    throw new ConfigError(
      `Cannot serve from ${dataDir} without --etcd: the state of its cluster is in etcd. Name its endpoints, or use another data directory`,
    );
  }
  for (
    const [given, flag] of [[config.initialCluster, "initial-cluster"], [config.join, "join"], [config.peerListen, "peer-listen"]] as const
  ) {
    if (given.length > 0) throw new ConfigError(`Cannot use --${flag} with --etcd: masters that share an etcd find each other there`);
  }
  if ((config.etcdCert === "") !== (config.etcdKey === "")) {
    throw new ConfigError("Cannot use one of --etcd-cert and --etcd-key without the other");
  }
  if (await isThere("raft")) {
    throw new ConfigError(
      `Cannot serve from ${dataDir} with --etcd: it holds the state of a cluster itself, which would not be used. Use another data directory`,
    );
  }
}

/** @throws ConfigError, also for what etcd says to the way it was called */
export async function openShared(
  needs: { clock: Clock; random: Random; log: Log },
  config: EtcdOptions,
  authority: string,
): Promise<{ store: OpenedStore; peers: Masters }> {
  const directory = `${config.dataDir}/etcd`;
  const tls: EtcdTls = { ca: await pem(config, "etcdCa"), cert: await pem(config, "etcdCert"), key: await pem(config, "etcdKey") };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await nodeFiles.lock(`${directory}/lock`); // until this process ends
  const { openEtcdStore } = await import("./store/etcd/open.ts"); // who does not use etcd need not load gRPC
  try {
    const memberId = await ownId(`${directory}/member`, needs.random);
    const store = await openEtcdStore(needs, { endpoints: config.etcd, tls, prefix: config.etcdPrefix, authority, memberId });
    return { store, peers: store.masters };
  } catch (error) {
    if (error instanceof StoreError && error.reason === "Invalid") throw new ConfigError(error.message, { cause: error });
    throw error;
  }
}

const flags = { etcdCa: "etcd-ca", etcdCert: "etcd-cert", etcdKey: "etcd-key" } as const;
async function pem(config: EtcdOptions, name: keyof typeof flags): Promise<string | undefined> {
  const path = config[name];
  if (path === "") return undefined;
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new ConfigError(`Cannot read --${flags[name]} ${path}: ${cause.message}`, { cause });
  });
  if (/-----BEGIN [A-Z ]+-----/.test(text)) return text;
  throw new ConfigError(`Cannot use --${flags[name]} ${path}: it is not PEM`);
}

/** The other masters know this one by it, also after a restart. */
async function ownId(path: string, random: Random): Promise<number> {
  const text = await readFile(path, "utf8").catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) {
    const id = newId(random);
    await writeAtomic(path, `${id}\n`, 0o600);
    return id;
  }
  const id = Number(text);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new ConfigError(`Cannot use ${path}: it is damaged. Without it, this master becomes a new one: remove it`);
}
