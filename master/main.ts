// skerry-master: the command line. Everything it does is in the files it calls.
import { randomBytes } from "node:crypto";
import process from "node:process";
import { explained } from "../shared/platform/file_error.ts";
import { systemClock, systemRandom } from "../shared/util/clock.ts";
import { ConfigError, describe, readConfig, shown } from "../shared/util/config.ts";
import { chain, standardErrorLog } from "../shared/util/log.ts";
import { CommandError } from "./commands/client.ts";
import { memberCommand, options as memberOptions } from "./commands/member.ts";
import { pkiCommand } from "./commands/pki.ts";
import { options as snapshotOptions, snapshotCommand } from "./commands/snapshot.ts";
import { options as tokenOptions, tokenCommand } from "./commands/token.ts";
import { options } from "./config.ts";
import { serve } from "./serve.ts";

const help = `skerry-master: keeps what a fleet should run, and tells it.

  skerry-master serve [options]            run a master
  skerry-master token create [options]     a token that lets devices join
  skerry-master token list | revoke ID
  skerry-master pki create --data-dir DIR  the authority that masters share which begin together
  skerry-master member list                the masters, and how far each is
  skerry-master member add --address host:6444 [--replaces ID] [--out FILE] | promote ID | remove ID
  skerry-master member force-new-cluster   offline: goes on with this master alone, when most of the others are lost for good
  skerry-master snapshot save FILE         everything that the cluster has stored, from a master that serves
  skerry-master snapshot verify FILE       offline: whether it is whole, and what it is of
  skerry-master snapshot restore FILE --data-dir DIR    offline: begins the cluster anew with it

Examples
  skerry-master serve --data-dir /var/lib/skerry/master --advertise master.example.net
  skerry-master serve --etcd https://10.0.0.1:2379 --etcd-ca etcd-ca.crt --etcd-cert skerry.crt --etcd-key skerry.key
  skerry-master token create --ttl 7d --uses 20 --label site=harbour
  kubectl --kubeconfig /var/lib/skerry/master/admin.kubeconfig get nodes -o wide

  skerry-master member add --address 10.0.0.7:6444 --replaces 8066822636282724    # a dead master, or one that has lost its disk
  skerry-master snapshot save /backup/skerry-monday.snap && cp -p /var/lib/skerry/master/pki/ca.* /backup/
  skerry-master snapshot restore /backup/skerry-monday.snap --data-dir /var/lib/skerry/master

Exit status: 0 done; 1 it went wrong, or the snapshot is damaged; 2 it cannot be done so, and nothing has changed.

Options of serve (also as SKERRY_DATA_DIR … in the environment)
${describe(options)}

Options of token
${describe(tokenOptions)}

Options of member
${describe(memberOptions)}

Options of snapshot
${describe(snapshotOptions)}
`;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (line: string): void => void process.stderr.write(`${line}\n`);
const needed = [22, 18], running = process.versions.node.split(".").map(Number);
if (running[0]! < needed[0]! || (running[0] === needed[0] && running[1]! < needed[1]!)) {
  process.stderr.write(
    `Skerry needs Node ${
      needed.join(".")
    } or later (this is ${process.versions.node}), or Deno 2.9: \`npm run master\` brings the right one\n`,
  );
  process.exit(2);
}

const [command, ...argv] = process.argv.slice(2);
const surroundings = { argv, env: process.env, clock: systemClock, random: systemRandom, randomBytes, print, note };
try {
  if (command === undefined || command === "help" || process.argv.includes("--help")) process.stdout.write(help);
  else if (command === "token") await tokenCommand(surroundings);
  else if (command === "pki") await pkiCommand(surroundings);
  else if (command === "member") await memberCommand(surroundings);
  else if (command === "snapshot") await snapshotCommand(surroundings);
  else if (command === "serve") await run(argv);
  else throw new CommandError(`Unknown command: ${command}. --help shows what there is`);
} catch (error) {
  const expected = error instanceof CommandError || error instanceof ConfigError;
  process.stderr.write(`${expected ? error.message : `skerry-master: ${chain(error)}`}\n`);
  process.exit(error instanceof CommandError ? error.status : expected ? 2 : 1);
}

async function run(argv: readonly string[]): Promise<void> {
  const { config } = readConfig(options, { argv, env: process.env });
  if (config.printConfig) return print(JSON.stringify(shown(options, config), null, 2));
  const log = standardErrorLog(systemClock.now, config.logLevel), stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  process.on("unhandledRejection", (error) => {
    log.error("Something failed that nobody looked after; this member stops", { error });
    process.exit(1);
  });
  const master = await serve({ clock: systemClock, random: systemRandom, randomBytes, log }, config, stop.signal).catch((error) => {
    throw explained(error);
  });
  print(`Serving at ${master.url}; kubectl --kubeconfig ${master.kubeconfigPath} get nodes`);
  await master.stopped;
  process.exit(0);
}
