// A master as users run it, at its own place of the network and on a small disk of its own, looked after like a service: it is started again when it ends.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import process from "node:process";
import { runToEnd } from "../../shared/platform/process.ts";
import { type ApiClient, apiClient, type Credentials, readKubeconfig } from "../kit/api_client.ts";
import { command, commandIn } from "../kit/master_process.ts";
import { Program } from "../kit/program.ts";
import { addressOf, type ChaosNetwork } from "./network.ts";

const ports = { api: 6443, mqtt: 8883, peers: 6444 };
/** MiB: the log's segments, spare ones among them, and snapshots. */
const diskMiB = 256;
/** Milliseconds until a master that has ended by itself is started again. */
const restartMs = 1_000;
export const peerAddress = (member: number): string => `${addressOf(member)}:${ports.peers}`;

export interface MemberNeeds {
  readonly network: ChaosNetwork;
  readonly say: (what: string) => void;
  /** Directory of the source that the masters run. */
  readonly source: string;
  /** Holds the disks. */
  readonly directory: string;
  readonly count: number;
}

export class ChaosMember {
  readonly index: number;
  readonly name: string;
  readonly dataDir: string;
  /** That it ended by itself, on a disk that was not full: what no fault excuses. */
  readonly problems: string[] = [];
  readonly #needs: MemberNeeds;
  readonly #program: Program;
  readonly #disk: string;
  #client: ApiClient | undefined;
  #life = 0;
  #isUp = false;
  #isPaused = false;
  /** In this life. */
  #wasFull = false;
  #isFull = false;
  /** Of `serve`, how it becomes a member. */
  #belongs: readonly string[];

  constructor(index: number, needs: MemberNeeds) {
    this.index = index;
    this.name = `m${index}`;
    this.#needs = needs;
    this.#program = new Program(`master ${this.name}`);
    this.#disk = `${needs.directory}/${this.name}`;
    this.dataDir = `${this.#disk}/data`;
    const names = Array.from({ length: needs.count }, (_, at) => ["--initial-cluster", `m${at}=${peerAddress(at)}`]);
    this.#belongs = ["--name", this.name, ...names.flat()];
    mkdirSync(this.#disk);
    this.#mount();
  }
  #mount(): void {
    must("mount", "-t", "tmpfs", "-o", `size=${diskMiB}m,mode=0700`, "tmpfs", this.#disk);
  }

  get client(): ApiClient {
    return this.#client!;
  }
  get isUp(): boolean {
    return this.#isUp;
  }
  get log(): string {
    return this.#program.printed;
  }
  /** The admin's, once this member has served. */
  credentials(): Promise<Credentials> {
    return readKubeconfig(`${this.dataDir}/admin.kubeconfig`);
  }
  /** Clients use these from now on. */
  connect(credentials: Credentials): void {
    this.#client = apiClient({ ...credentials, url: `https://${addressOf(this.index)}:${ports.api}` });
  }

  /** Resolves when it says that it serves; without a majority, that takes long. */
  start(): Promise<void> {
    const { network, source } = this.#needs, own = addressOf(this.index), life = ++this.#life;
    const [engine, args] = commandIn(
      source,
      "master/main.ts",
      ...[
        "serve",
        "--data-dir",
        this.dataDir,
        "--advertise",
        own,
        "--listen",
        `${own}:${ports.api}`,
        "--mqtt-listen",
        `${own}:${ports.mqtt}`,
      ],
      ...["--peer-listen", peerAddress(this.index), ...this.#belongs],
    );
    const [program, ...prefix] = network.prefix(this.index) as [string, ...string[]];
    this.#isUp = true;
    this.#isPaused = false;
    this.#wasFull = this.#isFull;
    const ready = this.#program.launch({
      program,
      args: [...prefix, engine, ...args],
      cwd: source,
      env: process.env,
      ready: (printed) => /^Serving at /m.test(printed),
    });
    ready.catch(() => {}); // what ends is noticed below
    void this.#program.ended().then((code) => this.#noteEnd(life, code));
    return ready;
  }
  #noteEnd(life: number, code: number | null): void {
    if (life !== this.#life || !this.#isUp) return;
    this.#isUp = false;
    this.#needs.say(`${this.name} has ended by itself with status ${code}${this.#wasFull ? "; its disk was full" : ""}`);
    if (!this.#wasFull) this.problems.push(`${this.name} has ended by itself with status ${code}: ${this.#program.own.slice(-1_500)}`);
    setTimeout(() => {
      if (life === this.#life) void this.start();
    }, restartMs);
  }

  async kill(): Promise<void> {
    this.#life++;
    this.#isUp = false;
    await this.#program.kill();
  }
  /** SIGTERM; resolves with the exit status. */
  async stop(): Promise<number | null> {
    this.resume();
    this.#life++;
    this.#isUp = false;
    return await this.#program.stop();
  }
  pause(): void {
    if (!this.#isUp) return;
    process.kill(this.#program.pid, "SIGSTOP");
    this.#isPaused = true;
  }
  resume(): void {
    if (!this.#isPaused || !this.#isUp) return;
    process.kill(this.#program.pid, "SIGCONT");
    this.#isPaused = false;
  }

  /** Nothing more fits on its disk. */
  fillDisk(): void {
    this.#isFull = this.#wasFull = true;
    // What is there stays, and the disk is no larger than that. It may have grown between the look and the act.
    for (let attempt = 0; attempt < 5; attempt++) {
      const { blocks, bfree, bsize } = statfsSync(this.#disk), kiB = Math.ceil((blocks - bfree) * bsize / 1024);
      if (runToEnd("mount", "-o", `remount,size=${kiB}k`, this.#disk).status === 0) return;
    }
  }
  freeDisk(): void {
    if (!this.#isFull) return;
    must("mount", "-o", `remount,size=${diskMiB}m`, this.#disk);
    this.#isFull = false;
  }

  /** For the first of all: makes the authority that the others are given. @returns its directory */
  makeAuthority(): string {
    const [program, args] = command("master/main.ts", "pki", "create", "--data-dir", this.dataDir);
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`pki create: ${stderr}`);
    return `${this.dataDir}/pki`;
  }
  takeAuthority(directory: string): void {
    cpSync(directory, `${this.dataDir}/pki`, { recursive: true });
  }
  /** Its process is gone, and so is all it had. */
  async loseDirectory(): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
  /** From now on it starts as somebody who joins. */
  joinWith(admissionFile: string): void {
    this.#belongs = ["--join", admissionFile];
  }
  async close(): Promise<void> {
    this.#client?.close();
    await this.kill();
    runToEnd("umount", this.#disk);
  }
}

function must(program: string, ...args: string[]): void {
  const { status, stderr } = runToEnd(program, ...args);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
