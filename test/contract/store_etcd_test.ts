// The same contract, kept by etcd: one member, and three. Each test has a prefix of its own in an etcd that nobody else uses, so that even revisions are counted alike.
import { openEtcdStore } from "../../master/store/etcd/open.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { type EtcdProcess, noEtcd, startEtcd } from "../kit/etcd_process.ts";
import { storeContract } from "./store_contract.ts";

let prefixes = 0;
for (const members of [1, 3] as const) {
  let etcd: Promise<EtcdProcess> | undefined; // goes with this process
  storeContract(`etcd of ${members} over TLS`, async () => {
    const { urls, tls } = await (etcd ??= startEtcd(members));
    const config = { endpoints: urls, tls, prefix: `/contract-${++prefixes}`, authority: "ca", memberId: 1 };
    const store = await openEtcdStore({ clock: systemClock, random: systemRandom, log: silentLog }, config);
    return { store, root: "/contract/", close: () => store.close() };
  }, { skip: noEtcd });
}
