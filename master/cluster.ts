// How a master belongs to a cluster: alone, as one of several that begin together, or as one that joins those that run. Only an empty data directory asks; later
// its log knows, whatever is typed.
import { createHash } from "node:crypto";
import * as v from "valibot";
import { access, readFile } from "node:fs/promises";
import { addressRetryMs, replacementLookMs } from "../shared/limits.ts";
import { keepAtomic } from "../shared/platform/files.ts";
import type { Clock, Random } from "../shared/util/clock.ts";
import { ConfigError } from "../shared/util/config.ts";
import type { Log } from "../shared/util/log.ts";
import type { MasterConfig } from "./config.ts";
import { issuePeer } from "./pki/peer_certificate.ts";
import type { Pki } from "./pki/pki.ts";
import { openMember } from "./store/embedded.ts";
import { nodeFiles } from "./store/files.ts";
import type { Members } from "./store/members.ts";
import type { Join } from "./store/recovery.ts";
import { memberUri } from "./store/transport/handshake.ts";
import { createTransport, type PeerTransport } from "./store/transport/transport.ts";

/** What `member add` writes and `serve --join` reads: a secret, since it holds the key with which masters, nodes and people are certified. */
const admission = v.strictObject({
  clusterId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  clusterEpoch: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  memberId: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Where the other masters will look for it. */
  address: v.string(),
  ca: v.strictObject({ certificate: v.string(), key: v.string() }),
});
export type AdmissionFile = v.InferOutput<typeof admission>;

/** @throws ConfigError naming the file */
function parseAdmission(path: string, text: string): AdmissionFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`Cannot join with ${path}: it is not what \`member add\` writes`, { cause });
  }
  const result = v.safeParse(admission, content);
  if (result.success) return result.output;
  throw new ConfigError(`Cannot join with ${path}: it is not what \`member add\` writes (${result.issues[0].message})`);
}

/** @throws ConfigError where there is no such file */
export async function readAdmission({ join }: Pick<MasterConfig, "join">): Promise<AdmissionFile | undefined> {
  if (join === "") return undefined;
  const text = await readFile(join, "utf8").catch((cause) => {
    throw new ConfigError(`Cannot join with ${join}: ${cause.message}`, { cause });
  });
  return parseAdmission(join, text);
}
const joinOf = ({ clusterId, clusterEpoch, memberId }: AdmissionFile): Join => ({ identity: { clusterId, clusterEpoch, memberId } });

/** What this master keeps itself, alone or with others. (What others keep: etcd.ts.) */
export interface OwnStore extends Awaited<ReturnType<typeof openMember>> {
  /** Undefined: it stays alone. */
  readonly peers: Members | undefined;
  /** Where the others should find this member; undefined: it has not been told. */
  readonly address: string | undefined;
  /** To be closed after the store. */
  readonly transport: PeerTransport | undefined;
}

/** @throws ConfigError, StorageError */
export async function openOwn(
  { clock, random, log }: { clock: Clock; random: Random; log: Log },
  { dataDir, initialCluster: list, name, peerListen: listen, peerAdvertise }: MasterConfig,
  { authority, ca }: Pki,
  admitted: AdmissionFile | undefined,
): Promise<OwnStore> {
  const begins = admitted
    ? { join: joinOf(admitted), address: admitted.address }
    : list.length > 0
    ? initialCluster(list, name, authority.hash)
    : undefined;
  const address = peerAdvertise || begins?.address;
  let transport: PeerTransport | undefined;
  const opened = await openMember(
    { clock, random, files: nodeFiles, log },
    { dataDir: `${dataDir}/raft`, ...(begins && { join: begins.join }) },
    listen.length === 0 ? undefined : {
      connect: async (self, port) => (transport = await createTransport({ clock, random, log: log.with({ part: "peers" }), ...port }, {
        ...self,
        listen,
        ...(address && { address }),
        tls: { ca: authority.certificate, ...await issuePeer(ca, memberUri(self)) },
      })),
    },
  );
  await keepAuthority(dataDir, authority.hash);
  return { ...opened, peers: listen.length > 0 ? opened.members : undefined, address, transport };
}

/** Sees to it that the others find this member where it says it is. Whoever leads writes it down; until then, it says so itself when it calls them. */
export function keepAddress(
  members: Pick<Members, "self" | "find" | "move" | "subscribe">,
  address: string,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): void {
  let cancel = () => {}, isMoving = false; // one at a time: the cluster tells of a change while it is being made
  const look = (): void => {
    cancel();
    const own = members.find(members.self);
    if (isMoving || own?.role !== "leader" || own.address === address) return;
    isMoving = true;
    void members.move(own.id, address).catch((error) => {
      log.warn("Cannot write down yet where this master is", { address, error });
      if (!signal.aborted) cancel = clock.after(addressRetryMs, look);
    }).finally(() => isMoving = false);
  };
  const unsubscribe = members.subscribe(look);
  look();
  signal.addEventListener("abort", () => {
    unsubscribe();
    cancel();
  }, { once: true });
}

/** While this master leads, whoever is to replace somebody does so as soon as it can. Nobody has to wait for that. */
export function keepReplacing(
  members: Pick<Members, "replaceDue">,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): void {
  const look = (): void => {
    const proposed = members.replaceDue();
    if (proposed > 0) log.info("A master that has caught up takes the place of another", { proposed });
    cancel = clock.after(replacementLookMs, look);
  };
  let cancel = clock.after(replacementLookMs, look);
  signal.addEventListener("abort", () => cancel(), { once: true });
}

/** Of the store in a data directory: where it is, and the hash of the authority under which it was served last. Undefined: there is none yet. */
export async function storeIn(dataDir: string): Promise<{ path: string; authority?: string } | undefined> {
  const path = `${dataDir}/raft`;
  if (!await access(path).then(() => true, () => false)) return undefined;
  const authority = await readFile(`${path}/authority`, "utf8").catch(() => undefined);
  return { path, ...(authority !== undefined && { authority: authority.trim() }) };
}
const keepAuthority = (dataDir: string, hash: string): Promise<void> => keepAtomic(`${dataDir}/raft/authority`, `${hash}\n`);

interface InitialMember {
  readonly name: string;
  readonly address: string;
}

/**
 * The same on every master that is told the same: ids follow from the authority that they share and from their names. A master of another authority, or with
 * another list, is one of another cluster, and they do not talk to each other.
 * @throws ConfigError
 */
export function initialCluster(list: readonly InitialMember[], name: string, caHash: string): { join: Join; address: string } {
  const own = list.find((member) => member.name === name), names = list.map((member) => member.name);
  if (!own) throw new ConfigError(`Cannot find --name ${JSON.stringify(name)} in --initial-cluster, which has ${names.join(", ")}`);
  const twice = names.find((one, at) => names.indexOf(one) !== at);
  if (twice !== undefined) throw new ConfigError(`--initial-cluster has two masters named ${twice}`);
  const sorted = list.toSorted((a, b) => a.name < b.name ? -1 : 1),
    text = sorted.map((member) => `${member.name}=${member.address}`).join(" ");
  const digest = (what: string): string => createHash("sha256").update(`skerry ${caHash} ${what}`).digest("hex");
  const idOf = (member: string): number => 1 + Number.parseInt(digest(`member ${member} of ${text}`).slice(0, 13), 16);
  const voters = names.map(idOf).sort((a, b) => a - b);
  const addresses = Object.fromEntries(sorted.map((member) => [idOf(member.name), member.address]));
  return {
    join: {
      identity: {
        clusterId: digest(`cluster ${text}`).slice(0, 32),
        clusterEpoch: digest(`epoch ${text}`).slice(0, 16),
        memberId: idOf(name),
      },
      conf: { voters, outgoing: [], learners: [], removed: [], addresses },
    },
    address: own.address,
  };
}
