// Stores of ours on a real etcd that the tests of one file share.
import type { EtcdConfig } from "../../master/store/etcd/open.ts";
import { openEtcdStore } from "../../master/store/etcd/open.ts";
import type { EtcdStore } from "../../master/store/etcd/etcd_store.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { type Log, silentLog } from "../../shared/util/log.ts";
import type { EtcdProcess } from "./etcd_process.ts";

let prefixes = 0;
/** One that nobody has had. */
export const freshPrefix = (): string => `/test-${++prefixes}`;

/** As member 1 at a fresh prefix, unless told otherwise. */
export function openOn(etcd: EtcdProcess, config: Partial<EtcdConfig> = {}, log: Log = silentLog): Promise<EtcdStore> {
  const { urls: endpoints, tls } = etcd;
  const needs = { clock: systemClock, random: systemRandom, log };
  return openEtcdStore(needs, { endpoints, tls, prefix: config.prefix ?? freshPrefix(), authority: "ca", memberId: 1, ...config });
}
