// A master that is sent nonsense, and beside it an ordinary client, which must notice nothing of it.
import process from "node:process";
import * as assert from "uvu/assert";
import { apiClient } from "./api_client.ts";
import { pause } from "./eventually.ts";
import { type MasterProcess, masterProcess, runtime } from "./master_process.ts";
import { suite, type Test } from "./suite.ts";

export const maps = "/api/v1/namespaces/default/configmaps";

export interface BesiegedMaster {
  master: MasterProcess;
  ordinary: Ordinary;
  revision: number;
}
const revisionOf = async ({ client }: MasterProcess): Promise<number> =>
  Number((await client.ask("GET", "/api/v1/namespaces")).body.metadata.resourceVersion);

/** Reads all the time, over connections of its own, and remembers how long each answer took. */
class Ordinary {
  readonly #client;
  readonly #ended: Promise<void>;
  #running = true;
  readonly tookMs: number[] = [];
  readonly problems: string[] = [];

  constructor(master: MasterProcess) {
    this.#client = apiClient(master.client);
    this.#ended = this.#run();
  }
  async #run(): Promise<void> {
    while (this.#running) {
      const began = performance.now();
      await this.#client.ask("GET", `${maps}/kube-root-ca.crt`).then(
        ({ status }) => status === 200 ? undefined : this.problems.push(`answered with ${status}`),
        (error) => this.problems.push(String(error)),
      );
      this.tookMs.push(performance.now() - began);
      await pause(5);
    }
  }
  async end(): Promise<void> {
    this.#running = false;
    await this.#ended;
    this.#client.close();
  }
  get p99(): number {
    return this.tookMs.toSorted((a, b) => a - b)[Math.ceil(this.tookMs.length * 0.99) - 1] ?? 0;
  }
}

export const besieged = (name: string): Test<BesiegedMaster> =>
  suite<BesiegedMaster>(name, {
    async setup() {
      const master = await masterProcess();
      await master.start();
      // What a new cluster writes by itself is written when two looks a second apart see the same.
      let revision = -1;
      for (let now = await revisionOf(master); now !== revision; now = await revisionOf(master)) {
        revision = now;
        await pause(1_000);
      }
      return { master, revision, ordinary: new Ordinary(master) };
    },
    async teardown({ master, ordinary }) {
      await ordinary.end();
      await master.close();
    },
    timeoutMs: 120_000,
  });

/** The world is as it was, and nobody else has noticed anything. */
export async function unharmed({ master, ordinary, revision }: BesiegedMaster, patienceMs: number): Promise<void> {
  assert.is(await revisionOf(master), revision, "something has been written");
  await ordinary.end();
  assert.equal(ordinary.problems, [], "the ordinary client has had trouble");
  process.stdout.write(`${runtime}: ${ordinary.tookMs.length} ordinary reads meanwhile, p99 ${ordinary.p99.toFixed(0)} ms\n`);
  assert.ok(ordinary.p99 < patienceMs, `p99 of the ordinary client is ${ordinary.p99} ms`);
  assert.not.match(master.log(), /"Request failed"|"level":"error"/);
}
