// Directories that a master should not start from, and what it says: each message names the file and what to do, the status is 1, and not a byte is changed. Two masters
// on one directory, damaged keys and an address that is taken are in master_lifecycle_test.ts.
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import { crc32 } from "node:zlib";
import * as assert from "uvu/assert";
import { segmentHeaderBytes } from "../../master/store/wal_format.ts";
import { eventually } from "../kit/eventually.ts";
import { command, type MasterProcess, masterProcess, runtime, withMaster } from "../kit/master_process.ts";
import { freePort } from "../kit/free_port.ts";
import { digest, refused } from "../kit/refused.ts";
import { noSmallDisk, smallDisk } from "../kit/small_disk.ts";
import { suite } from "../kit/suite.ts";

interface Context {
  /** Has run, holds some objects and a snapshot, and has stopped. */
  readonly master: MasterProcess;
  /** Of another cluster. */
  readonly other: MasterProcess;
}
const used = async (): Promise<MasterProcess> => {
  const master = await masterProcess();
  await master.start();
  for (let index = 0; index < 20; index++) {
    const body = { metadata: { name: `map-${index}` }, data: { text: "x".repeat(2_000) } };
    assert.is((await master.client.ask("POST", "/api/v1/namespaces/default/configmaps", { body })).status, 201);
  }
  const [program, args] = command("master/main.ts", "snapshot", "save", `${master.directory}/backup.snap`, "--data-dir", master.dataDir);
  assert.is(spawnSync(program, args).status, 0);
  assert.is((await master.stop()).code, 0);
  return master;
};
const test = suite<Context>("a bad day", {
  async setup() {
    const [master, other] = await Promise.all([used(), used()]);
    return { master, other };
  },
  teardown: ({ master, other }) => Promise.all([master.close(), other.close()]),
  timeoutMs: 240_000,
  skip: noSmallDisk,
});

const names = (directory: string, ending: string): string[] =>
  readdirSync(directory).filter((name) => name.endsWith(ending)).map((name) => `${directory}/${name}`).sort();
const segment = (dataDir: string): string => names(`${dataDir}/raft/wal`, ".seg").at(-1)!;
const snapshot = (dataDir: string): string => names(`${dataDir}/raft/snapshots`, ".snap").at(-1)!;
function change(path: string, how: (bytes: Buffer) => void): string {
  const bytes = readFileSync(path);
  how(bytes);
  writeFileSync(path, bytes);
  return path;
}
/** With a checksum that is right: as another release would have written it. */
const header = (dataDir: string, how: (bytes: Buffer) => void): string =>
  change(segment(dataDir), (bytes) => {
    how(bytes);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, segmentHeaderBytes - 4)), segmentHeaderBytes - 4);
  });
const flip = (path: string): string => change(path, (bytes) => void (bytes[bytes.length >> 1]! ^= 1));

interface Bad {
  /** Spoils the directory. @returns the path that must be named */
  readonly spoil: (dataDir: string, other: string) => string;
  readonly says: RegExp;
}
const table: Readonly<Record<string, Bad>> = {
  "a log of a later release": {
    spoil: (dataDir) => header(dataDir, (bytes) => bytes.writeUInt32LE(bytes.readUInt32LE(8) + 1, 8)),
    says: /format version 2, and this program reads version 1; use the program that wrote it/,
  },
  "a log of a release before the first": {
    spoil: (dataDir) => header(dataDir, (bytes) => bytes.writeUInt32LE(0, 8)),
    says: /format version 0, and this program reads version 1/,
  },
  "an empty segment": {
    spoil(dataDir) {
      truncateSync(segment(dataDir), 0);
      return segment(dataDir);
    },
    says: /it has 0 bytes, less than a header/,
  },
  "a segment that was cut off": {
    spoil(dataDir) {
      truncateSync(segment(dataDir), 20_000);
      return segment(dataDir);
    },
    says: /it has 20000 bytes of the 16777216 that it was made with\. Acknowledged writes may be lost/,
  },
  "no log beside a snapshot": {
    spoil(dataDir) {
      rmSync(`${dataDir}/raft/wal`, { recursive: true });
      return `${dataDir}/raft/wal`;
    },
    says: /it holds no log, though there are snapshots/,
  },
  "a log of another cluster beside a snapshot": {
    spoil(dataDir, other) {
      rmSync(`${dataDir}/raft/wal`, { recursive: true });
      cpSync(`${other}/raft/wal`, `${dataDir}/raft/wal`, { recursive: true });
      return `${dataDir}/raft/wal`;
    },
    says: /the log is of cluster [0-9a-f]{32}, the snapshot of [0-9a-f]{32}/,
  },
  "a segment of another cluster among the others": {
    spoil(dataDir, other) {
      const path = `${dataDir}/raft/wal/0000000000000009.seg`;
      cpSync(segment(other), path);
      return path;
    },
    says: /it belongs to member \d+ of cluster [0-9a-f]{32}, the others to/,
  },
  "a snapshot with a flipped bit, and no log that reaches back": {
    spoil(dataDir) {
      flip(snapshot(dataDir));
      header(dataDir, (bytes) => bytes.writeDoubleLE(30, 80)); // as if what the snapshot covers had been removed
      return `${dataDir}/raft/wal`;
    },
    says: /Cannot start from .*raft\/wal/,
  },
  "an authority of another cluster": {
    spoil(dataDir, other) {
      rmSync(`${dataDir}/pki`, { recursive: true });
      cpSync(`${other}/pki`, `${dataDir}/pki`, { recursive: true });
      return `${dataDir}/pki/ca.crt`;
    },
    says: /was served under another authority, and devices trust no other\. Restore its ca\.crt and ca\.key/,
  },
  "no authority": {
    spoil(dataDir) {
      rmSync(`${dataDir}/pki`, { recursive: true });
      mkdirSync(`${dataDir}/pki`, { mode: 0o700 });
      return `${dataDir}/pki/ca.crt`;
    },
    says: /devices trust no other authority\. Restore both/,
  },
  ...Object.fromEntries(["pki", "raft", "raft/wal", "raft/snapshots"].map((name) => [`a file in place of ${name}`, {
    spoil(dataDir: string) {
      rmSync(`${dataDir}/${name}`, { recursive: true });
      writeFileSync(`${dataDir}/${name}`, "");
      return `${dataDir}/${name}`;
    },
    says: /there is a file where a directory should be\. Move it away/,
  }])),
  "a directory in place of a segment": {
    spoil(dataDir) {
      const path = segment(dataDir);
      rmSync(path);
      mkdirSync(path);
      return path;
    },
    says: /there is a directory where a file should be\. Move it away/,
  },
};

test("is told by name, and nothing is touched", async ({ master, other }) => {
  const dataDir = `${master.directory}/bad`;
  for (const [what, { spoil, says }] of Object.entries(table)) {
    cpSync(master.dataDir, dataDir, { recursive: true });
    const path = spoil(dataDir, other.dataDir), before = digest(dataDir), { code, said } = await refused({ dataDir });
    assert.is(code, 1, `${what}: ${said}`);
    assert.match(said, /^skerry-master: Cannot (start from|use|serve) /, what);
    assert.ok(said.includes(path), `${what} does not name ${path}: ${said}`);
    assert.match(said, says, what);
    assert.is(digest(dataDir), before, `${what}: the refused start changed something`);
    rmSync(dataDir, { recursive: true });
  }
});

test("of one snapshot is none where the log has everything: it is named, and the master serves", async ({ master }) => {
  const path = flip(snapshot(master.dataDir));
  await master.start();
  assert.match(master.log(), `"A snapshot is damaged; the one before it is used","path":"${path}"`);
  assert.is((await master.client.ask("GET", "/api/v1/namespaces/default/configmaps")).body.items.length, 21); // and the authority's own
});

test("is a disk that cannot be written to", async ({ master }) => {
  const disk = smallDisk(master.directory, "disk", 128), dataDir = `${disk.path}/data`;
  cpSync(master.dataDir, dataDir, { recursive: true });
  const before = digest(dataDir);
  assert.is(spawnSync("mount", ["-o", "remount,ro", disk.path]).status, 0);
  const { code, said } = await refused({ dataDir });
  assert.is(code, 1);
  assert.match(said, new RegExp(`^skerry-master: Cannot use ${dataDir}/raft\\S*: its file system is read-only\\. Mount it writable`));
  assert.is(digest(dataDir), before);
});

test("is a directory that belongs to somebody else", async ({ master }) => {
  const dataDir = `${master.directory}/mine`, nobody = 65_534;
  chmodSync(master.directory, 0o755);
  for (const [what, own, path] of [["not even to be read", false, ""], ["not to be written to", true, "raft/wal"]] as const) {
    cpSync(master.dataDir, dataDir, { recursive: true });
    for (const name of ["", ...readdirSync(dataDir, { recursive: true }) as string[]]) {
      if (own) chownSync(`${dataDir}/${name}`, nobody, nobody);
    }
    chmodSync(own ? `${dataDir}/raft/wal` : dataDir, own ? 0o500 : 0o755);
    const before = digest(dataDir);
    const [program, args] = command(
      "master/main.ts",
      ...["serve", "--data-dir", dataDir, "--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0", "--advertise", "127.0.0.1"],
    );
    const env = { ...process.env, HOME: master.directory, DENO_DIR: `${master.directory}/deno` };
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8", uid: nobody, gid: nobody, env, timeout: 60_000 });
    assert.is(status, 1, `${what}: ${stderr}`);
    assert.match(
      stderr,
      new RegExp(`^skerry-master: Cannot use ${dataDir}/${path}\\S*: user 65534 may not do that there`, "m"),
      `${what}: ${stderr}`,
    );
    assert.is(digest(dataDir), before, what);
    rmSync(dataDir, { recursive: true });
  }
});

const peers = suite("a port for masters", { timeoutMs: 120_000 });

peers("that is taken is named", () =>
  withMaster(async ({ port }) => {
    const { code, said } = await refused({ args: ["--peer-listen", `127.0.0.1:${port}`] });
    assert.is(code, 1);
    assert.match(said, new RegExp(`^skerry-master: Cannot listen for masters on 127.0.0.1:${port}: .*EADDRINUSE`));
  }));

peers("that hears garbage says from whom, once, and goes on", async () => {
  const port = await freePort();
  await withMaster(async (master) => {
    for (let round = 0; round < 5; round++) {
      await new Promise<void>((resolve) => {
        const socket = net.connect(port, "127.0.0.1", () => socket.end(Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(100))));
        socket.on("error", () => {}).on("close", () => resolve()).resume();
      });
    }
    // Deno 2.9 no longer knows where a connection came from that has failed in TLS.
    const from = runtime === "deno" ? "unknown" : "127.0.0.1";
    const told = (): string[] | undefined => {
      const lines = master.log().split("\n").filter((line) =>
        /"level":"warn".*"part":"peers"/.test(line) && line.includes(`"address":"${from}`)
      );
      return lines.length > 0 ? lines : undefined;
    };
    await eventually("it says so", told);
    assert.is(told()!.length, 1, master.log());
    assert.is((await master.client.ask("GET", "/readyz")).status, 200);
  }, { args: ["--peer-listen", `127.0.0.1:${port}`] });
});
