// Puts the Podman runtime together from its parts: what the agent's composition root and the tests call.
import { podmanNetwork } from "../../shared/names.ts";
import type { Random } from "../../shared/util/clock.ts";
import { procLiveness } from "./liveness.ts";
import { KernelLog } from "./oom_kills.ts";
import { PodmanRuntime } from "./podman.ts";
import { findPodman, type PodmanService, type ServiceDependencies, type ServiceOptions } from "./podman_service.ts";
import { PodmanTransport } from "./podman_transport.ts";

export interface OpenOptions extends ServiceOptions {
  /** Podman network of the pods; default `skerry`. Made by `ensureNetwork`. */
  readonly network?: string;
}
export interface OpenedPodman {
  readonly runtime: PodmanRuntime;
  readonly service: PodmanService;
}

/** Finds or starts Podman. @throws RuntimeError Unavailable, saying what to do */
export async function openPodman(
  on: ServiceDependencies & { readonly random: Random },
  options: OpenOptions,
  signal?: AbortSignal,
): Promise<OpenedPodman> {
  const service = await findPodman(on, options, signal);
  const transport = new PodmanTransport(on.clock, service.socketPath);
  let reviving: Promise<void> | undefined; // one at a time: two services on one socket would fight for it
  const revive = () =>
    reviving ??= findPodman(on, options, signal).then((found) => transport.moveTo(found.socketPath)).finally(() => reviving = undefined);
  const runtime = new PodmanRuntime({
    ...on,
    transport,
    liveness: procLiveness,
    oomKills: new KernelLog(),
    revive,
  }, { network: options.network ?? podmanNetwork, socketsDir: `${options.runDir}/dialers` });
  return { runtime, service };
}
