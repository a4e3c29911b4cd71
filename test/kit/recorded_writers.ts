// Writers that remember every word the master gave them, and watchers that remember every event: together they can say whether a master that was killed
// has kept its word. Each object has one writer, so what must be there is known exactly; only a request that was under way at the kill may have
// happened or not, and which of the two it was is settled by the first list afterwards, for good.
import * as assert from "uvu/assert";
import type { Random } from "../../shared/util/clock.ts";
import type { ApiClient, WatchedEvent } from "./api_client.ts";

/** What the writers need to know of a kind: where it lives, and how an object says which step of its writer made it. */
export interface WrittenKind {
  readonly path: string;
  /** Whether nobody but the writer changes it: then its resourceVersion is exactly the one that the writer was told. */
  readonly sole: boolean;
  object(name: string, writer: string, step: number): { readonly metadata: object };
  /** Body of a merge patch, where that is how it is changed; else it is replaced whole. */
  patch?(step: number): unknown;
  // deno-lint-ignore no-explicit-any
  stepOf(object: any): number;
}

const filler = (step: number): string => {
  // Most are small; some are large enough for a run of a hundred kills to cut segments and take snapshots.
  const characters = step % 50 === 0 ? 300_000 : step % 8 === 0 ? 30_000 : 200 + step % 700;
  return `${step} `.repeat(Math.ceil(characters / 6)).slice(0, characters);
};
const metadata = (name: string, writer: string) => ({ name, namespace: "default", labels: { "written-by": writer } });
export const configMaps: WrittenKind = {
  path: "/api/v1/namespaces/default/configmaps",
  sole: true,
  object: (name, writer, step) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(name, writer),
    data: { step: `${step}`, filler: filler(step) },
  }),
  stepOf({ data }) {
    const step = Number(data.step);
    assert.ok(data.filler === filler(step), `step ${step} has come back with other data`);
    return step;
  },
};
const replicas = (step: number): number => step % 3;
export const deployments: WrittenKind = {
  path: "/apis/apps/v1/namespaces/default/deployments",
  sole: false,
  object: (name, writer, step) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...metadata(name, writer), annotations: { step: `${step}` } },
    spec: {
      replicas: replicas(step),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { nodeSelector: { no: "node" }, containers: [{ name: "main", image: "none" }] },
      },
    },
  }),
  patch: (step) => ({ metadata: { annotations: { step: `${step}` } }, spec: { replicas: replicas(step) } }),
  stepOf({ metadata: { annotations }, spec }) {
    const step = Number(annotations.step);
    assert.is(spec.replicas, replicas(step), `step ${step} has come back with another spec`);
    return step;
  },
};

interface Listed {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}
/** One write: `revision` is what the master said, and what the first list after a kill said of one it did not answer. */
interface Step {
  readonly step: number;
  readonly does: "create" | "update" | "delete";
  answered: boolean;
  revision?: number;
}
const eventOf = { create: "ADDED", update: "MODIFIED", delete: "DELETED" } as const;

/** What one kind's writers did, object by object, and the newest revision that anybody has been told. */
export class Ledger {
  readonly kind: WrittenKind;
  readonly #lines = new Map<string, Step[]>();
  /** Steps that an earlier comparison has settled, by name. */
  readonly #settled = new Map<string, number>();
  #steps = 0;
  acknowledged = 0;
  newest = 0;

  constructor(kind: WrittenKind) {
    this.kind = kind;
  }

  exists(name: string): boolean {
    const last = this.#lines.get(name)?.at(-1);
    return last !== undefined && last.does !== "delete";
  }

  /** Carries out one write. @throws Error when it was not answered; a refusal is a failure of the test */
  async write(client: ApiClient, writer: string, name: string, does: Step["does"], random: Random): Promise<void> {
    const { kind } = this, line = this.#lines.get(name) ?? [], before = line.at(-1), known = this.newest;
    const step: Step = { step: ++this.#steps, does, answered: false };
    this.#lines.set(name, line);
    line.push(step);
    const url = `${kind.path}/${name}`;
    const answer = await (() => {
      if (does === "create") return client.ask("POST", kind.path, { body: kind.object(name, writer, step.step) });
      if (does === "delete") return client.ask("DELETE", url, { body: { propagationPolicy: "Background" } });
      if (kind.patch) return client.ask("PATCH", url, { type: "application/merge-patch+json", body: kind.patch(step.step) });
      // Half of them insist on the version they were told: it must be the one that is there.
      const object = kind.object(name, writer, step.step), resourceVersion = `${before!.revision}`;
      const body = random() < 0.5 ? { ...object, metadata: { ...object.metadata, resourceVersion } } : object;
      return client.ask("PUT", url, { body });
    })();
    assert.is(answer.status, does === "create" ? 201 : 200, `${does} of ${name}: ${JSON.stringify(answer.body).slice(0, 500)}`);
    step.answered = true;
    this.acknowledged++;
    if (does === "delete") return;
    step.revision = Number(answer.body.metadata.resourceVersion);
    assert.ok(step.revision > known, `${does} of ${name} got revision ${step.revision}, but ${known} was known before it began`);
    this.saw(step.revision);
  }

  saw(revision: number): void {
    this.newest = Math.max(this.newest, revision);
  }

  /** Compares with a list of everything: what was acknowledged is there, what was deleted is not, and what was not answered is now settled. */
  settle(list: { metadata: { resourceVersion: string }; items: readonly Listed[] }): void {
    const { kind } = this, revision = Number(list.metadata.resourceVersion);
    assert.ok(revision >= this.newest, `the revision went back from ${this.newest} to ${revision}`);
    this.saw(revision);
    const found = new Map(list.items.map((item) => [item.metadata.name, item]));
    for (const [name, line] of this.#lines) {
      const item = found.get(name), last = line.at(-1);
      found.delete(name);
      if (last && !last.answered) {
        const happened = last.does === "delete" ? item === undefined : item !== undefined && kind.stepOf(item) === last.step;
        if (!happened) line.pop();
        else if (item) last.revision = Number(item.metadata.resourceVersion);
      }
      const must = line.at(-1);
      if (must === undefined || must.does === "delete") {
        assert.ok(item === undefined, `${name} was deleted, and is back: ${JSON.stringify(item?.metadata)}`);
        continue;
      }
      assert.ok(item !== undefined, `${name} is lost: step ${must.step} was acknowledged at revision ${must.revision}`);
      assert.is(kind.stepOf(item), must.step, `${name} is not as its writer left it`);
      const is = Number(item.metadata.resourceVersion);
      if (kind.sole) assert.is(is, must.revision, `${name} has another resourceVersion`);
      else assert.ok(is >= must.revision!, `${name} has gone back from ${must.revision} to ${is}`);
    }
    assert.equal([...found.keys()], [], "there are objects that nobody made");
  }

  /** Compares with events of a watch, in order: each step once, none other, each later than the one before. `settle` first. Forgets what it has compared. */
  compare(events: readonly Seen[], names: (name: string) => boolean = () => true): void {
    const byName = new Map<string, Seen[]>();
    for (const event of events) byName.set(event.name, [...byName.get(event.name) ?? [], event]);
    for (const [name, line] of this.#lines) {
      if (!names(name)) continue;
      const from = this.#settled.get(name) ?? 0;
      const expected = line.slice(from).map(({ does, step, answered, revision }) => ({
        type: eventOf[does] as string,
        step,
        answered,
        revision,
      }));
      let seen = byName.get(name) ?? [];
      byName.delete(name);
      // What others write in between (a controller, the status) repeats the writer's step.
      if (!this.kind.sole) {
        seen = seen.filter(({ type, step }, at) => type !== "MODIFIED" || step !== (seen[at - 1]?.step ?? line[from - 1]?.step));
      }
      const told = `${name}: the writer did ${JSON.stringify(expected)}, the watch showed ${JSON.stringify(seen)}`;
      assert.is(seen.length, expected.length, told);
      seen.forEach((event, at) => {
        const must = expected[at]!;
        assert.is(event.type, must.type, told);
        if (must.type === "DELETED") return;
        assert.is(event.step, must.step, told);
        // Of one that was not answered, and that others have changed since, only the newest possible revision is known.
        if (must.answered || this.kind.sole) assert.is(event.revision, must.revision, told);
        else assert.ok(event.revision <= must.revision!, told);
      });
    }
    assert.equal([...byName.keys()], [], "events of objects that nobody made");
  }
  /** Everything so far has been compared. */
  close(): void {
    for (const [name, line] of this.#lines) this.#settled.set(name, line.length);
  }
}

export interface Seen {
  readonly type: string;
  readonly name: string;
  readonly step: number;
  readonly revision: number;
}
/** @throws Error of the assertion when it is no event of an object of this kind */
export function seen(kind: WrittenKind, { type, object }: WatchedEvent): Seen {
  assert.ok(["ADDED", "MODIFIED", "DELETED"].includes(type), `the watch showed ${type}: ${JSON.stringify(object).slice(0, 500)}`);
  return { type, name: object.metadata.name, step: kind.stepOf(object), revision: Number(object.metadata.resourceVersion) };
}

/** A watch that goes on where it was cut, again and again, as an informer does. */
export class ResumingWatch {
  events: Seen[] = [];
  problem: Error | undefined;
  resumed = 0;
  readonly #ledger: Ledger;
  readonly #query: string;
  #last: number;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #wake: () => void = () => {};

  constructor(client: () => ApiClient, ledger: Ledger, query: string, from: number) {
    this.#ledger = ledger;
    this.#query = query;
    this.#last = from;
    this.#stopped = this.#run(client);
  }

  async #run(client: () => ApiClient): Promise<void> {
    const { signal } = this.#stop, { kind } = this.#ledger;
    while (!signal.aborted && !this.problem) {
      try {
        const path = `${kind.path}?watch=true&allowWatchBookmarks=true&${this.#query}&resourceVersion=${this.#last}`;
        for await (const event of client().watch(path, signal)) this.#take(event);
        this.resumed++;
      } catch (error) {
        // Between a kill and the next start nobody listens; anything else is for the test to hear.
        if ((error as NodeJS.ErrnoException).code === undefined && !signal.aborted) this.problem = error as Error;
      }
      this.#wake();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #take(event: WatchedEvent): void {
    const revision = Number(event.object.metadata.resourceVersion);
    if (event.type === "BOOKMARK") {
      assert.ok(revision >= this.#last, `a bookmark at ${revision} after revision ${this.#last}`);
    } else {
      const taken = seen(this.#ledger.kind, event);
      assert.ok(taken.revision > this.#last, `the watch repeats or goes back: ${JSON.stringify(taken)} after revision ${this.#last}`);
      this.events.push(taken);
    }
    this.#last = revision;
    this.#ledger.saw(revision);
    this.#wake();
  }

  /** Resolves once the watch has shown this revision. */
  async until(revision: number, withinMs = 30_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (this.#last < revision) {
      if (this.problem) throw this.problem;
      if (performance.now() > deadline) throw new Error(`The watch has shown ${this.#last}, and not ${revision} within ${withinMs} ms`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 100);
      });
    }
    if (this.problem) throw this.problem;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#stopped;
  }
}
