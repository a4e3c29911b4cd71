// `skerry-master member list|add|promote|remove|force-new-cluster`: the masters of a cluster. A new one gets a file that says what it needs to know, and makes itself a learner's
// copy of everything before it is given a vote.
import { readFile, writeFile } from "node:fs/promises";
import * as v from "valibot";
import { paths } from "../../shared/names.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import { option, readConfig } from "../../shared/util/config.ts";
import type { AdmissionFile } from "../cluster.ts";
import type { Admission, MemberView } from "../store/members.ts";
import { CommandError, openClient } from "./client.ts";
import { forceNewCluster } from "./force_new_cluster.ts";
import { bumpRevision } from "./snapshot.ts";

export const options = {
  dataDir: option(v.string(), "The data directory of a master that runs here", { default: `${paths.data}/master` }),
  kubeconfig: option(v.string(), "Credentials to use; default: admin.kubeconfig in the data directory", { default: "" }),
  address: option(v.string(), "add: where the other masters will reach the new one, host:port", { default: "" }),
  replaces: option(
    v.pipe(v.string(), v.regex(/^[1-9]\d{0,15}$/, "expected the id of a member"), v.transform(Number)),
    "add: the master, dead or with its data lost, whose place the new one gets as soon as it has caught up",
    { default: 0, shown: "" },
  ),
  out: option(
    v.string(),
    "add: the file to write, for `serve --join` on the new master. It holds the cluster's key: bring it there safely",
    {
      default: "member.json",
    },
  ),
  yes: option(v.boolean(), "force-new-cluster: the other masters are gone for good, whoever may still answer", {
    flag: true,
    default: false,
  }),
  bumpRevision,
  force: option(v.boolean(), "remove: also when too few of the others answer", { flag: true, default: false }),
};

interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly print: (line: string) => void;
  readonly note: (line: string) => void;
}

export async function memberCommand({ argv, env, clock, random, print }: Surroundings): Promise<void> {
  const { config, positionals: [verb, id] } = readConfig(options, { argv, env, words: 2 });
  if (verb === "force-new-cluster") return await forceNewCluster({ clock, random, print }, config);
  const client = await openClient(config.kubeconfig || `${config.dataDir}/admin.kubeconfig`), path = "/skerry/v1/members";
  const list = async (): Promise<MemberView[]> => (await client.request("GET", path) as { members: MemberView[] }).members;
  const mustHaveId = (): string => {
    if (!id) throw new CommandError(`Which one? \`skerry-master member ${verb} ID\`; \`member list\` shows the ids`);
    return id;
  };
  switch (verb) {
    case "list":
      return show(await list(), print);
    case "add": {
      if (!config.address) throw new CommandError("Where will it be? `skerry-master member add --address host:6444`");
      const [certificate, key] = await Promise.all(["crt", "key"].map((end) => readAuthority(`${config.dataDir}/pki/ca.${end}`)));
      const silent = (await list()).find((member) => member.address === "");
      if (silent) {
        throw new CommandError(
          `Cannot add a master: member ${silent.id} cannot be reached by others. Start it with --peer-listen and --peer-advertise host:6444`,
        );
      }
      const admitted = await client.request("POST", path, {
        address: config.address,
        ...(config.replaces > 0 && { replaces: config.replaces }),
      }) as Admission;
      const file: AdmissionFile = { ...admitted, address: config.address, ca: { certificate: certificate!, key: key! } };
      await writeFile(config.out, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: "wx" }).catch((cause) => {
        throw new CommandError(
          `Cannot write ${config.out}: ${cause.message}. Member ${admitted.memberId} has been added; remove it again`,
          { cause },
        );
      });
      return print(
        `Member ${admitted.memberId} is a learner now. Bring ${config.out} to it, and there:\n` +
          `  skerry-master serve --join ${config.out} --peer-listen :${config.address.split(":").at(-1)}\n` +
          (config.replaces > 0
            ? `When it has caught up, it takes the place of member ${config.replaces}; nothing is left to do`
            : `When it has caught up (member list): skerry-master member promote ${admitted.memberId}`),
      );
    }
    case "promote":
      await client.request("POST", `${path}/${mustHaveId()}/promote`);
      return print(`Member ${id} has a vote now`);
    case "remove":
      await client.request("DELETE", `${path}/${mustHaveId()}${config.force ? "?force=true" : ""}`);
      return print(`Member ${id} is removed, and its id never comes back. Its data directory is of no use any more`);
    default:
      throw new CommandError(`Unknown command: member ${verb ?? ""}. There are: member list, add, promote, remove, force-new-cluster`);
  }
}

function readAuthority(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause) => {
    throw new CommandError(`Cannot read ${path}: ${cause.message}. \`member add\` is run beside a master that runs, with its --data-dir`, {
      cause,
    });
  });
}

function show(members: readonly MemberView[], print: (line: string) => void): void {
  print(row("ID", "ROLE", "ADDRESS", "LAG", "STATE"));
  for (const { id, role, address, lag, active, diskFull, replaces } of members) {
    const state = (active === undefined ? "-" : active ? "answers" : "silent") + (replaces === undefined ? "" : `, to replace ${replaces}`);
    print(
      row(
        String(id),
        role,
        address || "-",
        lag === undefined ? "-" : String(lag),
        diskFull ? "disk full" : state,
      ),
    );
  }
}
const row = (id: string, role: string, address: string, lag: string, state: string): string =>
  `${id.padEnd(17)} ${role.padEnd(8)} ${address.padEnd(28)} ${lag.padEnd(7)} ${state}`.trimEnd();
