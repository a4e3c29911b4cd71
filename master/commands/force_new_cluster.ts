// `skerry-master member force-new-cluster`: when most masters are lost for good, no majority will ever decide anything again. One that is left goes on alone, as the
// first of a new life of the cluster. Whatever only the lost ones had is gone.
import { connect } from "node:net";
import { goneProbeMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { planNewCluster, writeNewCluster } from "../store/disaster/new_cluster.ts";
import { replace, settle } from "../store/disaster/place.ts";
import { others, readSurvivor, type Survivor } from "../store/disaster/survivor.ts";
import { nodeDirectories, nodeFiles } from "../store/files.ts";
import { StorageError } from "../store/storage_error.ts";
import { splitAddress } from "../store/transport/call.ts";
import { CommandError } from "./client.ts";
import type { Surroundings } from "./surroundings.ts";

/** @throws CommandError; then everything is as it was */
export async function forceNewCluster(
  { clock, random, print }: Pick<Surroundings, "clock" | "random" | "print">,
  { dataDir, bumpRevision, yes }: { readonly dataDir: string; readonly bumpRevision: number; readonly yes: boolean },
): Promise<void> {
  const directory = `${dataDir}/raft`, files = nodeFiles, log = silentLog;
  await settle(nodeDirectories, directory);
  if ((await files.list(directory)).length === 0) throw cannot(directory, "there is no store in it");
  const unlock = await files.lock(`${directory}/lock`).catch((cause) => {
    throw cannot(directory, `a master uses it (${cause.message})`, cause);
  });
  try {
    const survivor = await readSurvivor({ files, clock, log }, directory).catch((cause) => {
      if (!(cause instanceof StorageError)) throw cause;
      throw cannot(directory, `${cause.path}: ${cause.what}`, cause);
    });
    if (!yes) await refuseWhileOthersLive(clock, directory, survivor);
    const plan = planNewCluster(survivor, bumpRevision, random), kept = `${directory}.of-epoch-${survivor.clusterEpoch}`;
    await replace(
      nodeDirectories,
      directory,
      kept,
      (into) => writeNewCluster({ files, clock, random, log }, into, plan, survivor.state),
    );
    print(
      `Cluster ${plan.header.clusterId} goes on with this master alone: epoch ${plan.header.clusterEpoch}, member ${plan.identity.memberId}.\n` +
        `It has everything up to entry ${survivor.index}, revision ${survivor.revision}; the next is ${
          plan.header.revision + 1
        }. What was there before is in ${kept}\n` +
        "Start it with the options of before. The other masters must not run again with the directories that they have: empty them, and `member add` them here",
    );
  } finally {
    await unlock();
  }
}

const cannot = (directory: string, what: string, cause?: unknown): CommandError =>
  new CommandError(`Cannot force a new cluster from ${directory}: ${what}`, { cause });

/** Two clusters that both believe to be the one are worse than one that stands still. */
async function refuseWhileOthersLive(clock: Clock, directory: string, survivor: Survivor): Promise<void> {
  const rest = others(survivor);
  if (rest.length === 0) throw cannot(directory, `member ${survivor.memberId} is the only one; just start it`);
  const found = await Promise.all(rest.map(async ({ id, address }) => {
    if (address === "") return `member ${id} may be anywhere: nothing says where to look for it`;
    return await isThere(clock, address) ? `member ${id} answers at ${address}` : undefined;
  }));
  const living = found.filter((each) => each !== undefined);
  if (living.length === 0) return;
  throw cannot(
    directory,
    `${
      living.join("; ")
    }. While a majority can come back, start it and this one instead. If they are gone for good, stop them and say --yes`,
  );
}

/** Whether anybody takes a connection there: also one that hangs, or is somebody else, who decides is told. */
function isThere(clock: Clock, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(splitAddress(address));
    const finish = (there: boolean): void => {
      cancel();
      socket.destroy();
      resolve(there);
    };
    const cancel = clock.after(goneProbeMs, () => finish(false));
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
