// Whose prefix it is: the first master notes it there in a transaction, and every later one reads it before it touches anything else.
import * as v from "valibot";
import type { Random } from "../../../shared/util/clock.ts";
import { newClusterId, newEpoch } from "../identity.ts";
import { StoreError } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import type { Keys } from "./keys.ts";

const Record = v.object({
  format: v.literal(1),
  clusterId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  clusterEpoch: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  /** Hash of the cluster's CA: two clusters may not take the same prefix by mistake. */
  authority: v.string(),
  /** Id of the etcd cluster that this was written to. Another one means that etcd was restored from a backup, or moved. */
  etcd: v.number(),
});
export type ClusterRecord = v.InferOutput<typeof Record>;

/** @throws StoreError Invalid when the prefix is another cluster's */
export async function claimPrefix(
  { client, keys, random }: { client: EtcdClient; keys: Keys; random: Random },
  authority: string,
): Promise<ClusterRecord> {
  const key = keys.ofNote("cluster"), encode = (record: ClusterRecord) => new TextEncoder().encode(JSON.stringify(record));
  await mustNotBeInside(client, keys);
  for (;;) {
    const { header, kvs: [kv] } = await client.call("range", { key }, "read whose the prefix is");
    const found = kv && parse(keys, kv.value);
    if (found && found.authority !== authority) {
      throw foreign(keys, "the cluster of another CA. Copy pki/ca.crt and pki/ca.key from one of its masters");
    }
    if (found?.etcd === header.clusterId) return found;
    // Nobody's yet; or what the nodes have heard since the backup is not in it: a new epoch says so to them.
    const record: ClusterRecord = {
      format: 1,
      clusterId: found?.clusterId ?? newClusterId(random),
      clusterEpoch: newEpoch(random),
      authority,
      etcd: header.clusterId,
    };
    const { succeeded } = await client.call("txn", {
      compare: [{ result: 0, target: 2, key, modRevision: kv?.modRevision ?? 0 }],
      success: [{ requestPut: { key, value: encode(record) } }],
      failure: [],
    }, "note whose the prefix is");
    if (succeeded) return record;
  }
}

/** A prefix inside another cluster's would be keys of that one. */
async function mustNotBeInside(client: EtcdClient, keys: Keys): Promise<void> {
  const parts = keys.prefix.split("/").slice(1, -1);
  for (let count = 1; count <= parts.length; count++) {
    const outer = `/${parts.slice(0, count).join("/")}`;
    const { count: found } = await client.call("range", { key: new TextEncoder().encode(`${outer}.cluster`) }, "read whose the prefix is");
    if (found > 0) throw foreign(keys, `keys of the cluster at ${outer}, which it lies inside`);
  }
}

function parse(keys: Keys, value: Uint8Array): ClusterRecord {
  try {
    return v.parse(Record, JSON.parse(new TextDecoder().decode(value)));
  } catch (cause) {
    throw foreign(keys, "something that no master of this release has written", cause);
  }
}
const foreign = (keys: Keys, what: string, cause?: unknown): StoreError =>
  new StoreError("Invalid", `Cannot use --etcd-prefix ${keys.prefix}: it holds ${what}, or choose another prefix`, { cause });
