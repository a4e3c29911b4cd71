// One look at Podman: one list call, and an inspect of each container whose state has changed since the last look. A look at a quiet node is one call.
import { ContainersApi, type ListContainer } from "podman-api-client";
import { podmanInspects, podmanListTries } from "../../shared/limits.ts";
import { containerLabels } from "../../shared/names.ts";
import { status } from "./podman_errors.ts";
import type { Liveness } from "./liveness.ts";
import type { OomKills } from "./oom_kills.ts";
import { type Detail, detailOf, runs, type Seen, signature, toActual } from "./podman_observe.ts";
import type { PodmanTransport } from "./podman_transport.ts";
import type { Actual } from "./runtime.ts";

export interface ObserverDependencies {
  readonly transport: PodmanTransport;
  readonly liveness: Liveness;
  readonly oomKills: OomKills;
}
interface Remembered {
  readonly signature: string;
  readonly detail: Detail;
}

export class PodmanObserver {
  readonly #on: ObserverDependencies;
  #remembered = new Map<string, Remembered>();
  readonly #startErrors = new Map<string, string>();

  constructor(dependencies: ObserverDependencies) {
    this.#on = dependencies;
  }

  /** Podman leaves a container that cannot start "created" and keeps no word about why. Undefined: it has started. */
  startFailed(id: string, words: string | undefined): void {
    if (words === undefined) this.#startErrors.delete(id);
    else this.#startErrors.set(id, words);
  }

  async observe(): Promise<Actual> {
    let seen = await this.#see();
    // A container that ends between the list and the look at its processes seems to be without both, as if its monitor had been killed; asked again, Podman knows.
    if (seen.some(({ entry, process, monitor }) => runs(entry) && !process && !monitor)) seen = await this.#see();
    await this.#on.oomKills.refresh();
    return toActual(seen, this.#on.oomKills.ids);
  }

  async #see(): Promise<Seen[]> {
    const entries = await this.list();
    const details = await this.#details(entries);
    this.#remembered = details;
    for (const id of this.#startErrors.keys()) if (!details.has(id)) this.#startErrors.delete(id);
    return entries.flatMap((entry) => {
      const remembered = details.get(entry.Id!);
      return remembered === undefined ? [] : [this.#look(entry, remembered.detail)];
    });
  }

  /** Sandboxes and containers together: a pod's labels stand on its infra container too. */
  async list(): Promise<ListContainer[]> {
    const filters = { label: [containerLabels.podUid] };
    for (let tries = 1;; tries++) {
      try {
        return await new ContainersApi(this.#on.transport.with()).list({ all: true, filters } as never); // the library wants filters spelled as JSON text
      } catch (error) {
        // Podman looks at its containers one after another, and gives up on all of them when one is removed meanwhile.
        if (status(error) === undefined || tries >= podmanListTries) throw error;
      }
    }
  }

  async #details(entries: readonly ListContainer[]): Promise<Map<string, Remembered>> {
    const details = new Map<string, Remembered>();
    const changed: ListContainer[] = [];
    for (const entry of entries) {
      const known = this.#remembered.get(entry.Id!);
      if (known?.signature === signature(entry)) details.set(entry.Id!, known);
      else changed.push(entry);
    }
    const containers = new ContainersApi(this.#on.transport.with());
    await Promise.all(Array.from({ length: podmanInspects }, async () => {
      for (let entry = changed.pop(); entry; entry = changed.pop()) {
        const inspected = await containers.inspect(entry.Id!); // null: gone since the list
        if (inspected) details.set(entry.Id!, { signature: signature(entry), detail: detailOf(inspected) });
      }
    }));
    return details;
  }

  #look(entry: ListContainer, detail: Detail): Seen {
    const { liveness } = this.#on;
    const running = runs(entry);
    return {
      entry,
      detail,
      process: running && liveness.process(entry.Pid ?? 0, entry.Id!),
      monitor: running && detail.conmonPid !== undefined && liveness.monitor(detail.conmonPid),
      startError: this.#startErrors.get(entry.Id!),
    };
  }
}
