import { openStore } from "../../master/store/embedded.ts";
import { EmbeddedStore } from "../../master/store/face.ts";
import { nodeFiles } from "../../master/store/files.ts";
import { State } from "../../master/store/state.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { InstantReplica } from "../kit/instant_replica.ts";
import { storeContract } from "./store_contract.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";

storeContract("the embedded store", async () => {
  const dataDir = testDirectory("store");
  const store = await openStore({ clock: systemClock, random: systemRandom, files: nodeFiles, log: silentLog }, { dataDir });
  const close = async (): Promise<void> => {
    await store.close();
    removeTestDirectory(dataDir);
  };
  return { store, root: "/contract/", close };
});

storeContract("the same store on a replica that applies at once", async () => {
  const state = new State();
  const replica = new InstantReplica(state, systemClock);
  const store = new EmbeddedStore({ clock: systemClock, log: silentLog, state, replica }, { quotaBytes: 2 ** 29 });
  return { store, root: "/contract/", close: () => store.close() };
});
