// Further users of a master that runs: certificates as its authority would give them.
import { readFile } from "node:fs/promises";
import { Authority } from "../../master/pki/authority.ts";
import type { Credentials } from "./api_client.ts";
import type { MasterProcess } from "./master_process.ts";

export async function masterUser({ dataDir, client }: MasterProcess, name: string, groups: readonly string[] = []): Promise<Credentials> {
  const [certificate, key] = await Promise.all(["crt", "key"].map((kind) => readFile(`${dataDir}/pki/ca.${kind}`, "utf8")));
  const authority = await Authority.load({ certificate: certificate!, key: key! });
  const pair = await authority.issueClient({ commonName: name, organizations: groups, uris: [] });
  return { url: client.url, ca: client.ca, cert: pair.certificate, key: pair.key };
}
