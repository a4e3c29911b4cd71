// etcd's leases. It counts their time itself, on its leader's clock; a new leader gives each its full time again. Ids are ours to choose, and must be numbers here.
import type { ServiceError } from "@grpc/grpc-js";
import { etcdCallMs } from "../../../shared/limits.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import { newId } from "../identity.ts";
import { StoreError } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import { judge } from "./errors.ts";

/** etcd counts whole seconds, and at least 2. */
export async function grant(client: EtcdClient, random: Random, ttlSeconds: number): Promise<number> {
  const id = newId(random);
  await client.call("leaseGrant", { ttl: Math.ceil(ttlSeconds), id }, "grant a lease");
  return id;
}

/** @throws StoreError Invalid when there is no such lease */
export async function revoke(client: EtcdClient, lease: number): Promise<void> {
  await client.call("leaseRevoke", { id: lease }, `revoke lease ${lease}`);
}

/** @throws StoreError Invalid when there is no such lease; Unknown when no answer comes before the signal aborts */
export async function keepAlive(client: EtcdClient, clock: Clock, lease: number, signal?: AbortSignal): Promise<void> {
  const late = new AbortController(), cancel = clock.after(etcdCallMs, () => late.abort());
  const until = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    const { endpoint, stream } = await client.open("leaseKeepAlive", until);
    const stop = (): void => stream.cancel();
    until.addEventListener("abort", stop, { once: true });
    try {
      stream.write({ id: lease });
      for await (const { ttl } of stream) {
        if (ttl > 0) return;
        throw new StoreError("Invalid", `Cannot renew lease ${lease}: there is none of that number`);
      }
      throw new Error("the stream has ended");
    } catch (error) {
      if (!(error instanceof StoreError)) client.leave(endpoint, error);
      throw error;
    } finally {
      until.removeEventListener("abort", stop);
      stop();
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const verdict = judge(error as ServiceError);
    if (verdict.is === "refused") throw new StoreError(verdict.reason, `Cannot renew lease ${lease}: ${verdict.why}`, { cause: error });
    throw new StoreError("Unknown", `Cannot renew lease ${lease}: etcd has not answered`, { cause: error });
  } finally {
    cancel();
  }
}
