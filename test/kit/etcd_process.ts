// A real etcd of one or three members as users run it: processes of their own, TLS with client certificates, gone afterwards with what they wrote.
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { Authority, type KeyPair } from "../../master/pki/authority.ts";
import { isThere } from "../../shared/platform/debian.ts";
import { freePort } from "./free_port.ts";
import { Program } from "./program.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

/** Why tests of etcd cannot run here. */
export const noEtcd = isThere("etcd") ? undefined : "no etcd (Debian: etcd-server)";

export interface EtcdProcess {
  readonly directory: string;
  /** `https://127.0.0.1:port` of each member. */
  readonly urls: readonly string[];
  /** PEM, and the files that hold them. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
  /** kill -9. */
  kill(member: number): Promise<void>;
  /** Starts a killed one again, on what it had. */
  start(member: number): Promise<void>;
  close(): Promise<void>;
}

/** Resolves when all members serve. @param more flags for each of them */
export async function startEtcd(members: 1 | 3, more: readonly string[] = []): Promise<EtcdProcess> {
  const programs = Array.from({ length: members }, (_, at) => new Program(`etcd ${at}`));
  const killNow = (): void => programs.forEach((program) => program.killNow());
  const directory = testDirectory("etcd", undefined, killNow);
  const { authority } = await Authority.create("etcd-test-ca");
  const file = (name: string, text: string): string => {
    writeFileSync(`${directory}/${name}`, text, { mode: 0o600 });
    return `${directory}/${name}`;
  };
  const files = (name: string, { certificate, key }: KeyPair) => ({
    cert: file(`${name}.crt`, certificate),
    key: file(`${name}.key`, key),
  });
  const ca = file("ca.crt", authority.certificate), server = await authority.issueServer(["127.0.0.1", "localhost"]);
  const client = await authority.issueClient({ commonName: "skerry", organizations: [], uris: [] });
  const own = files("server", server), theirs = files("client", client);
  const ports = await Promise.all(Array.from({ length: members * 2 }, freePort));
  const urls = programs.map((_, at) => `https://127.0.0.1:${ports[at]}`),
    peers = programs.map((_, at) => `https://127.0.0.1:${ports[members + at]}`);
  const start = (at: number): Promise<void> => {
    mkdirSync(`${directory}/${at}`, { recursive: true, mode: 0o700 });
    return programs[at]!.launch({
      program: "etcd",
      args: [
        ...["--name", `e${at}`, "--data-dir", `${directory}/${at}`, "--initial-cluster-token", directory],
        ...["--initial-cluster", peers.map((url, of) => `e${of}=${url}`).join(",")],
        ...["--listen-client-urls", urls[at]!, "--advertise-client-urls", urls[at]!],
        ...["--listen-peer-urls", peers[at]!, "--initial-advertise-peer-urls", peers[at]!],
        ...["--cert-file", own.cert, "--key-file", own.key, "--trusted-ca-file", ca, "--client-cert-auth"],
        ...["--peer-cert-file", own.cert, "--peer-key-file", own.key, "--peer-trusted-ca-file", ca, "--peer-client-cert-auth"],
        ...more,
      ],
      cwd: directory,
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch }, // 3.4 wants to be asked on ARM
      ready: (printed) => /ready to serve client requests/.test(printed),
    });
  };
  const close = async (): Promise<void> => {
    await Promise.all(programs.map((program) => program.kill()));
    removeTestDirectory(directory);
  };
  try {
    await Promise.all(programs.map((_, at) => start(at)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    directory,
    urls,
    tls: { ca: authority.certificate, cert: client.certificate, key: client.key },
    files: { ca, ...theirs },
    kill: (at) => programs[at]!.kill(),
    start,
    close,
  };
}
