// `skerry-master snapshot save|verify|restore`: everything that the cluster has stored, in one file; and a cluster that begins anew with it.
import { access } from "node:fs/promises";
import * as v from "valibot";
import { bumpedRevisions } from "../../shared/limits.ts";
import { paths } from "../../shared/names.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { option, readConfig } from "../../shared/util/config.ts";
import { silentLog } from "../../shared/util/log.ts";
import { objectsPrefix } from "../registry/codec.ts";
import { type Backup, readBackup } from "../store/disaster/backup.ts";
import { planNewCluster, writeNewCluster } from "../store/disaster/new_cluster.ts";
import { isVacant, place } from "../store/disaster/place.ts";
import { nodeDirectories, nodeFiles, readingFiles } from "../store/files.ts";
import { StorageError } from "../store/storage_error.ts";
import { CommandError, openClient } from "./client.ts";
import { saveSnapshot } from "./snapshot_save.ts";
import type { Surroundings } from "./surroundings.ts";

export const bumpRevision = option(
  v.pipe(v.string(), v.regex(/^[1-9]\d{0,15}$/, "expected a whole number from 1"), v.transform(Number)),
  "restore, force-new-cluster: revisions to leap over; more than were written since the snapshot, so that no client goes back in time",
  { default: bumpedRevisions },
);
export const options = {
  dataDir: option(v.string(), "save: of a master that runs here. restore: of the master that will begin the new life of the cluster", {
    default: `${paths.data}/master`,
  }),
  kubeconfig: option(v.string(), "save: credentials to use; default: admin.kubeconfig in the data directory", { default: "" }),
  bumpRevision,
};

export async function snapshotCommand({ argv, env, clock, random, print, note }: Omit<Surroundings, "randomBytes">): Promise<void> {
  const { config, positionals: [verb, file] } = readConfig(options, { argv, env, words: 2 });
  const { dataDir } = config;
  if (!["save", "verify", "restore"].includes(verb ?? "")) {
    throw new CommandError(`Unknown command: snapshot ${verb ?? ""}. There are: snapshot save, snapshot verify, snapshot restore`);
  }
  if (!file) throw new CommandError(`Which file? \`skerry-master snapshot ${verb} FILE\``);
  switch (verb) {
    case "save": {
      const client = await openClient(config);
      show(file, await saveSnapshot({ client, clock, note }, file), print);
      return note(
        `It does not hold the cluster's authority: keep ${dataDir}/pki/ca.crt and ca.key with it, as secret as the snapshot itself`,
      );
    }
    case "verify": {
      const { state, ...backup } = await readWhole(clock, file);
      show(file, backup, print);
      return print(`  objects   ${state.mvcc.count(objectsPrefix, undefined, state.mvcc.revision)}`);
    }
    default:
      return await restore({ clock, random, print }, file, config);
  }
}

/** @throws CommandError with status 1 where it is damaged */
async function readWhole(clock: Clock, file: string) {
  await access(file).catch((cause) => {
    throw new CommandError(`Cannot read ${file}: ${cause.message}`, { cause });
  });
  return await readBackup({ files: readingFiles, clock }, file).catch((cause) => {
    if (!(cause instanceof StorageError)) throw cause;
    throw new CommandError(`Cannot use ${file}: ${cause.what}`, { cause, status: 1 });
  });
}

async function restore(
  { clock, random, print }: Pick<Surroundings, "clock" | "random" | "print">,
  file: string,
  { dataDir, bumpRevision }: { dataDir: string; bumpRevision: number },
): Promise<void> {
  const directory = `${dataDir}/raft`;
  if (!await isVacant(nodeDirectories, directory)) {
    throw new CommandError(
      `Cannot restore into ${directory}: there is a store, and none is ever overwritten. Name another --data-dir, or move it away first`,
    );
  }
  const { header, state } = await readWhole(clock, file), plan = planNewCluster({ ...header, address: "" }, bumpRevision, random);
  await place(
    nodeDirectories,
    directory,
    (into) => writeNewCluster({ files: nodeFiles, clock, random, log: silentLog }, into, plan, state),
  );
  const { clusterId, clusterEpoch, revision } = plan.header, had = `revision ${header.revision} of ${timeOf(header.time)}`;
  print(
    `Restored ${had} into ${directory}.\n` +
      `Cluster ${clusterId} begins a new life there: epoch ${clusterEpoch}, revision ${revision}, member ${plan.identity.memberId} alone`,
  );
  if (await access(`${dataDir}/pki/ca.key`).then(() => true, () => false)) {
    print(`Its authority is the one in ${dataDir}/pki. Start it with the options of before`);
  } else {
    print(
      `Before you start it, put ca.crt and ca.key of the old cluster into ${dataDir}/pki (mode 0600): a snapshot does not hold them, and devices and\n` +
        "people trust no other authority",
    );
  }
  print(
    "Old masters must not run again with the directories that they have. For several masters, `member add` the others, each with an empty directory",
  );
}

export function show(file: string, { header, size }: Backup, print: (line: string) => void): void {
  const { clusterId, clusterEpoch, revision, compactRevision, index, term, time, conf } = header;
  print(`${file} is whole`);
  for (
    const [name, value] of [
      ["cluster", clusterId],
      ["epoch", clusterEpoch],
      ["revision", `${revision} (history from ${compactRevision})`],
      ["entries", `${index} (term ${term})`],
      ["time", timeOf(time)],
      ["masters", String(conf.voters.length)],
      ["size", `${size} bytes`],
    ]
  ) print(`  ${name!.padEnd(9)} ${value}`);
}

const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
