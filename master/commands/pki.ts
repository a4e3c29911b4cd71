// `skerry-master pki create`: the authority of a cluster that begins with several masters, to be copied to each before its first start.
import * as v from "valibot";
import { paths } from "../../shared/names.ts";
import { option, readConfig } from "../../shared/util/config.ts";
import { createAuthority } from "../pki/pki.ts";
import { CommandError } from "./client.ts";
import type { Surroundings } from "./surroundings.ts";

const options = { dataDir: option(v.string(), "The master's data directory", { default: `${paths.data}/master` }) };

export async function pkiCommand(
  { argv, env, print }: Pick<Surroundings, "argv" | "env" | "print">,
): Promise<void> {
  const { config, positionals: [verb] } = readConfig(options, { argv, env, words: 1 });
  if (verb !== "create") throw new CommandError(`Unknown command: pki ${verb ?? ""}. There is: pki create`);
  const directory = `${config.dataDir}/pki`;
  await createAuthority(directory).catch((cause) => {
    throw new CommandError(`Cannot create an authority: ${cause.message}`, { cause });
  });
  print(
    `Made ${directory}/ca.crt and ca.key. Copy both to the same place on every master named in --initial-cluster, before its first start`,
  );
}
