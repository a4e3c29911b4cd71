// A master without a network: the real store, registry, cache and leader's group, and nodes that pretend.
import { kinds } from "../../shared/api/kinds/mod.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import { seeded, systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { runLeaderGroup } from "../../master/leader.ts";
import { type Cache, startCache } from "../../master/registry/cache.ts";
import type { Stored } from "../../master/registry/face.ts";
import { PretendNodes } from "./pretend_nodes.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "./registry.ts";

export interface Cluster extends RegistryContext {
  readonly cache: Cache & { readonly stopped: Promise<void> };
  readonly nodes: PretendNodes;
  /** Starts the leader's group once more, as a new term does. `between`: what happens while nobody leads. */
  restart(between?: () => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

export async function openCluster(nodeNames: readonly string[] = ["a", "b", "c"]): Promise<Cluster> {
  const context = await openRegistry(), ended = new AbortController(), random = seeded(3);
  const cache = await startCache({ store: context.store, kinds, log: silentLog }, ended.signal);
  const nodes = new PretendNodes(context.registry, cache);
  let term = new AbortController(), leading: Promise<void> = Promise.resolve();
  const lead = (): void => {
    term = new AbortController();
    const { store, registry } = context;
    leading = runLeaderGroup({ store, registry, cache, presence: nodes, clock: systemClock, random, log: silentLog }, {
      podNetwork: "10.201.0.0/16",
      caCertificate: "-----BEGIN CERTIFICATE-----",
      authority: { subjectOf: () => Promise.resolve(undefined), sign: () => Promise.reject(new Error("nobody signs here")) },
      accounts: { legacyToken: () => "token" },
      apiEndpoints: [{ address: "192.0.2.1", port: 6443 }],
    }, term.signal);
    leading.catch(() => {}); // `restart` or `close` says so
  };
  lead();
  await nodes.add(nodeNames);
  return Object.assign(context, {
    cache,
    nodes,
    async restart(between?: () => Promise<unknown>) {
      term.abort();
      await leading;
      await between?.();
      lead();
    },
    async close() {
      term.abort();
      const results = await Promise.allSettled([leading, nodes.stop()]);
      ended.abort();
      await cache.stopped;
      await closeRegistry(context);
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
  });
}

/** Waits until `what` is so, looking again after every change. */
export function until(cache: Cache, words: string, what: () => boolean, timeoutMs = 4_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      unsubscribe();
      clearTimeout(timer);
    };
    const look = (): void => {
      try {
        if (!what()) return;
      } catch (error) {
        end();
        return reject(error);
      }
      end();
      resolve();
    };
    const unsubscribe = cache.subscribe(() => look());
    const timer = setTimeout(() => {
      end();
      reject(new Error(`after ${timeoutMs} ms still not: ${words}`));
    }, timeoutMs);
    look();
  });
}

export const podsIn = (cache: Cache, namespace = "default"): readonly Stored<Pod>[] => [...cache.list(pods, namespace)];
export const readyPods = (cache: Cache, namespace = "default"): readonly Stored<Pod>[] =>
  podsIn(cache, namespace).filter(({ object, deleting }) =>
    !deleting && object.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
  );
