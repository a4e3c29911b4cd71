// Opens the store of a prefix in somebody's etcd: asks every endpoint who it is, claims the prefix, and listens.
import type { ServiceError } from "@grpc/grpc-js";
import { etcdReadTryMs } from "../../../shared/limits.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { StoreError } from "../store.ts";
import { EtcdClient } from "./client.ts";
import { claimPrefix } from "./cluster_record.ts";
import type { Endpoint, EtcdTls } from "./endpoint.ts";
import { EtcdStore } from "./etcd_store.ts";
import { Keys } from "./keys.ts";
import { parseMark, putMark } from "./marks.ts";

export interface EtcdConfig {
  /** `https://host:2379` of each member. */
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
  readonly prefix: string;
  /** Hash of the cluster's CA. */
  readonly authority: string;
  /** Of this master, the same after a restart: 1 to 2^53 - 1. */
  readonly memberId: number;
}

/** What we need of etcd came with it: `hasleader` and fragments are older, learners and quotas as they are today are not. */
const oldestRelease = [3, 4] as const;

/** @throws StoreError that says which endpoint does not do, and why; Invalid when the prefix is another cluster's */
export async function openEtcdStore(
  { clock, random, log }: { clock: Clock; random: Random; log: Log },
  { endpoints, tls, prefix, authority, memberId }: EtcdConfig,
): Promise<EtcdStore> {
  const client = new EtcdClient({ clock, log }, endpoints, tls), keys = new Keys(prefix);
  try {
    await greet(client, log);
    const record = await claimPrefix({ client, keys, random }, authority);
    const { kvs: [last] } = await client.call("range", { key: keys.ofNote("mark") }, "read the mark");
    const mark = last ? parseMark(last.value) : { time: 0, compactRevision: 0 };
    const time = Math.max(mark.time, clock.now());
    // Everything up to this revision is etcd's to tell; we listen behind it.
    const revision = await putMark({ client, keys }, { ...mark, time });
    const { kvs: notes } = await client.call("range", { ...keys.notes(), revision }, "read the notes of the masters");
    const store = new EtcdStore({ client, keys, clock, random, log }, { record, memberId, revision, notes });
    await store.settled;
    return store;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** One that does not answer now may do so later, as long as another does. One that is too old, never. */
async function greet(client: EtcdClient, log: Log): Promise<void> {
  const failed: string[] = [];
  let alive = 0;
  await Promise.all(client.endpoints.map(async (endpoint) => {
    try {
      const { version } = await endpoint.call("status", {}, etcdReadTryMs);
      const [major = 0, minor = 0] = version.split(".").map(Number);
      if (major < oldestRelease[0] || (major === oldestRelease[0] && minor < oldestRelease[1])) {
        throw new StoreError(
          "Invalid",
          `Cannot use etcd at ${endpoint.url}: it is ${version}, and we need ${oldestRelease.join(".")} or later`,
        );
      }
      alive++;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      failed.push(`${endpoint.url}: ${why(endpoint, error as ServiceError)}`);
    }
  }));
  if (alive === 0) throw new StoreError("NoQuorum", `Cannot reach etcd. ${failed.join("; ")}`);
  for (const line of failed) log.warn("An endpoint of etcd does not answer; the others do", { reason: line });
}

/** The words of gRPC and TLS around it are many; what to do about it is ours to say. */
function why(endpoint: Endpoint, { details = "" }: ServiceError): string {
  const said = /Last error: (?:Error: |TypeError )?(.*?)(?: \(\d{4}-|\. ?Resolution|$)/s.exec(details)?.[1]?.trim() ?? details;
  const hint = /alert|EPIPE|ECONNRESET/.test(said) && endpoint.url.startsWith("https:")
    ? ". It may want a client certificate that it trusts (--etcd-cert, --etcd-key)"
    : /self.signed|issuer|UnknownIssuer|verify/.test(said)
    ? ". Its certificate is not of the authority in --etcd-ca"
    : "";
  return `${said}${hint}`;
}
