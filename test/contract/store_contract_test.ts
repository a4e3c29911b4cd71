import { EmbeddedStore } from "../../master/store/face.ts";
import { State } from "../../master/store/state.ts";
import { systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { InstantReplica } from "../kit/instant_replica.ts";
import { storeContract } from "./store_contract.ts";

storeContract("a store on a replica that applies at once", async () => {
  const state = new State();
  const replica = new InstantReplica(state, systemClock);
  const store = new EmbeddedStore({ clock: systemClock, log: silentLog, state, replica }, { quotaBytes: 1 << 29 });
  return { store, root: "/contract/", close: () => store.close() };
});
