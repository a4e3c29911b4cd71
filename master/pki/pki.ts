// The key material in `<data-dir>/pki`: made on the first start, read on every other. And the admin's kubeconfig beside it.
import { mkdir, readFile } from "node:fs/promises";
import { writeAtomic } from "../../shared/platform/files.ts";
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { Authority, type KeyPair } from "./authority.ts";

export interface Pki {
  readonly authority: Authority;
  /** What the authority is made of. */
  readonly ca: KeyPair;
  readonly server: KeyPair;
  readonly admin: KeyPair;
}

/**
 * @param names DNS names and addresses clients use; a change issues a new server certificate
 * @param options.ca the authority of the cluster that this master joins
 * @param options.mustHaveCa an authority made here would be this master's alone
 * @param options.store what is served here already, and under which authority: with another one, no device would know this master again
 * @throws Error naming the file that cannot be read, written or understood
 */
export async function openPki(
  directory: string,
  names: readonly string[],
  { ca, mustHaveCa = false, store }: {
    ca?: KeyPair | undefined;
    mustHaveCa?: boolean;
    store?: { readonly path: string; readonly authority?: string } | undefined;
  } = {},
): Promise<Pki> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = (name: string): string => `${directory}/${name}`;
  const read = (name: string): Promise<string | undefined> => readFile(file(name), "utf8").catch((error) => absent(error));
  const pair = async (name: string): Promise<KeyPair | undefined> => {
    const [certificate, key] = await Promise.all([read(`${name}.crt`), read(`${name}.key`)]);
    // A key alone is what a power cut leaves of the first start. A certificate alone has lost its key, and whoever trusts it would not trust another.
    if (certificate === undefined) return undefined;
    if (key === undefined) throw new Error(`Cannot use ${file(`${name}.crt`)}: its key ${file(`${name}.key`)} is missing. Restore it`);
    check(file(`${name}.crt`), file(`${name}.key`), { certificate, key });
    return { certificate, key };
  };
  // The key goes first: a certificate on disk means that its key is there too.
  const keep = async (name: string, made: KeyPair): Promise<KeyPair> => {
    await writeAtomic(file(`${name}.key`), made.key, 0o600);
    await writeAtomic(file(`${name}.crt`), made.certificate, 0o644);
    return made;
  };

  let own = await pair("ca");
  if (own && ca && own.certificate !== ca.certificate) {
    throw new Error(`Cannot join: ${file("ca.crt")} is another cluster's. Use an empty data directory`);
  }
  if (!own && mustHaveCa && !ca) {
    throw new Error(
      `Cannot begin a cluster of several without ${file("ca.crt")} and ${
        file("ca.key")
      }: make them with \`skerry-master pki create\`, the same for all`,
    );
  }
  if (!own && store && !ca) {
    throw new Error(
      `Cannot serve ${store.path} without ${file("ca.crt")} and ${file("ca.key")}: devices trust no other authority. Restore both; ` +
        "where they are lost, `skerry-master pki create` makes new ones, and every device has to join again",
    );
  }
  own ??= await keep("ca", ca ?? await newAuthority());
  const authority = await Authority.load(own);
  if (store?.authority !== undefined && store.authority !== authority.hash) {
    throw new Error(
      `Cannot use ${
        file("ca.crt")
      }: ${store.path} was served under another authority, and devices trust no other. Restore its ca.crt and ca.key; ` +
        `where they are lost, remove ${store.path}/authority, and every device has to join again`,
    );
  }

  const wanted = [...new Set(names)].sort();
  const stamp = createHash("sha256").update(`${authority.hash} ${wanted.join(" ")}`).digest("hex");
  let server = await read("server.names") === stamp ? await pair("server") : undefined;
  if (!server) {
    // Between the new key and the new certificate the two on disk do not belong together: then nothing says that they are for these names.
    await writeAtomic(file("server.names"), "");
    server = await keep("server", await authority.issueServer(wanted));
    await writeAtomic(file("server.names"), stamp);
  }
  const admin = await pair("admin") ??
    await keep("admin", await authority.issueClient({ commonName: "skerry-admin", organizations: ["system:masters"], uris: [] }));
  return { authority, ca: own, server, admin };
}

const newAuthority = async (): Promise<KeyPair> => {
  const { authority, key } = await Authority.create("skerry-ca");
  return { certificate: authority.certificate, key };
};
/** The authority that several masters of a new cluster share. @throws Error where there is one */
export async function createAuthority(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { certificate, key } = await newAuthority();
  if (await readFile(`${directory}/ca.crt`).then(() => true, () => false)) throw new Error(`There is ${directory}/ca.crt already`);
  await writeAtomic(`${directory}/ca.key`, key, 0o600);
  await writeAtomic(`${directory}/ca.crt`, certificate, 0o644);
}

/** A kubeconfig whose credentials are inside it. */
export function kubeconfig(url: string, ca: string, user: KeyPair): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return `apiVersion: v1
kind: Config
current-context: skerry
clusters:
- name: skerry
  cluster:
    server: ${url}
    certificate-authority-data: ${base64(ca)}
contexts:
- name: skerry
  context: {cluster: skerry, user: admin}
users:
- name: admin
  user:
    client-certificate-data: ${base64(user.certificate)}
    client-key-data: ${base64(user.key)}
`;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
/** @throws Error naming the file of the two that cannot be read, or both when they do not belong together */
function check(certificatePath: string, keyPath: string, { certificate, key }: KeyPair): void {
  const parse = <T>(path: string, read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw new Error(`Cannot use ${path}: it is damaged. Restore it from a backup`, { cause });
    }
  };
  const own = parse(keyPath, () => createPublicKey(key).export({ type: "spki", format: "der" }));
  const certified = parse(certificatePath, () => new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" }));
  if (!certified.equals(own)) throw new Error(`Cannot use ${certificatePath} and ${keyPath}: the key is not the certificate's`);
}
