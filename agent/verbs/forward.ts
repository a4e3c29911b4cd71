// One connection of `kubectl port-forward`, at the node's end of the tunnel: bytes both ways, and each side may end before the other.
import type { Duplex } from "node:stream";
import * as v from "valibot";
import { channel, flag } from "../../shared/wire/frames.ts";
import { type Dialogue, TunnelError, type Verb } from "../link/tunnel.ts";
import type { Pods } from "../pods/pods.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import { begun, understood } from "./begin.ts";

const ForwardOptions = v.object({ port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)) });

export const forwardVerb = (engine: Pick<ContainerRuntime, "connect">, pods: Pick<Pods, "containerId">): Verb => async (open, dialogue) => {
  const { port } = understood(ForwardOptions, open), id = pods.containerId(open.podUid);
  if (id === undefined) throw new TunnelError("BadRequest", "no container of the pod is running");
  const { signal } = dialogue, socket = await begun(() => engine.connect(id, port, signal));
  const abandon = (): void => void socket.destroy();
  signal.addEventListener("abort", abandon, { once: true });
  if (signal.aborted) abandon();
  socket.on("error", () => {}); // whoever reads or writes is told
  try {
    dialogue.begin({ input: true });
    await Promise.all([answers(socket, dialogue), feed(socket, dialogue)]);
  } catch (error) {
    signal.throwIfAborted();
    throw new TunnelError("ServiceUnavailable", (error as Error).message);
  } finally {
    signal.removeEventListener("abort", abandon);
    socket.destroy();
  }
};

async function answers(socket: Duplex, { send }: Dialogue): Promise<void> {
  // Not by its iterator: that destroys the socket at its end, while the other direction may go on.
  for await (const bytes of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) await send(channel.stdout, bytes);
  await send(channel.stdout, new Uint8Array(), { end: true });
}

async function feed(socket: Duplex, { input }: Dialogue): Promise<void> {
  for await (const { channel: on, flags, bytes } of input()) {
    if (on !== channel.stdin) continue;
    if (bytes.length > 0) await written(socket, bytes);
    if (flags & flag.end) return void socket.end();
  }
}
const written = (socket: Duplex, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => void socket.write(bytes, (error) => error ? reject(error) : resolve()));
