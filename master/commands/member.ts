// `skerry-master member list|add|promote|remove|force-new-cluster`: the masters of a cluster. A new one gets a file that says what it needs to know, and makes itself a learner's
// copy of everything before it is given a vote.
import { open, readFile, rm } from "node:fs/promises";
import * as v from "valibot";
import { paths } from "../../shared/names.ts";
import { option, readConfig } from "../../shared/util/config.ts";
import type { AdmissionFile } from "../cluster.ts";
import type { Admission, MemberView } from "../store/members.ts";
import { type Client, CommandError, openClient } from "./client.ts";
import { forceNewCluster } from "./force_new_cluster.ts";
import { bumpRevision } from "./snapshot.ts";
import type { Surroundings } from "./surroundings.ts";

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

const path = "/skerry/v1/members";
const listed = async (client: Client): Promise<MemberView[]> => (await client.request("GET", path) as { members: MemberView[] }).members;

export async function memberCommand(
  { argv, env, clock, random, print }: Pick<Surroundings, "argv" | "env" | "clock" | "random" | "print">,
): Promise<void> {
  const { config, positionals: [verb, id] } = readConfig(options, { argv, env, words: 2 });
  if (verb === "force-new-cluster") return await forceNewCluster({ clock, random, print }, config);
  if (!["list", "add", "promote", "remove"].includes(verb ?? "")) {
    throw new CommandError(`Unknown command: member ${verb ?? ""}. There are: member list, add, promote, remove, force-new-cluster`);
  }
  const client = await openClient(config);
  if (verb === "list") return show(await listed(client), print);
  if (verb === "add") return await add(client, config, print);
  if (!id) throw new CommandError(`Which one? \`skerry-master member ${verb} ID\`; \`member list\` shows the ids`);
  const member = `${path}/${encodeURIComponent(id)}`;
  if (verb === "promote") {
    await client.request("POST", `${member}/promote`);
    return print(`Member ${id} has a vote now`);
  }
  await client.request("DELETE", `${member}${config.force ? "?force=true" : ""}`);
  print(`Member ${id} is removed, and its id never comes back. Its data directory is of no use any more`);
}

async function add(
  client: Client,
  { dataDir, address, replaces, out }: { dataDir: string; address: string; replaces: number; out: string },
  print: (line: string) => void,
): Promise<void> {
  if (!address) throw new CommandError("Where will it be? `skerry-master member add --address host:6444`");
  const [certificate, key] = await Promise.all(["crt", "key"].map((end) => readAuthority(`${dataDir}/pki/ca.${end}`)));
  const silent = (await listed(client)).find((member) => member.address === "");
  if (silent) {
    throw new CommandError(
      `Cannot add a master: member ${silent.id} cannot be reached by others. Start it with --peer-listen and --peer-advertise host:6444`,
    );
  }
  // Before anything changes: a member that nobody can become would only have to be removed again.
  const file = await open(out, "wx", 0o600).catch((cause) => {
    throw new CommandError(`Cannot write ${out}: ${cause.message}. Nothing has changed; --out names another file`, { cause });
  });
  try {
    const admitted = await client.request("POST", path, { address, ...(replaces > 0 && { replaces }) }) as Admission;
    const admission: AdmissionFile = { ...admitted, address, ca: { certificate: certificate!, key: key! } };
    await file.writeFile(`${JSON.stringify(admission, null, 2)}\n`).catch((cause) => {
      throw new CommandError(
        `Cannot write ${out}: ${cause.message}. Member ${admitted.memberId} has been added: \`skerry-master member remove ${admitted.memberId}\`, and try again`,
        { cause, status: 1 },
      );
    });
    print(
      `Member ${admitted.memberId} is a learner now. Bring ${out} to it, and there:\n` +
        `  skerry-master serve --join ${out} --peer-listen :${address.split(":").at(-1)}\n` +
        (replaces > 0
          ? `When it has caught up, it takes the place of member ${replaces}; nothing is left to do`
          : `When it has caught up (member list): skerry-master member promote ${admitted.memberId}`),
    );
  } catch (error) {
    await rm(out, { force: true });
    throw error;
  } finally {
    await file.close();
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
