// `kubectl exec` and `attach`, at the node's end of the tunnel: a process' streams in frames. Upstream's order at the end is kept: all output, then how it ended.
import * as v from "valibot";
import { channel, encodeExit, flag } from "../../shared/wire/frames.ts";
import type { SessionOpen } from "../../shared/wire/messages.ts";
import { type Dialogue, TunnelError, type Verb } from "../link/tunnel.ts";
import type { Pods } from "../pods/pods.ts";
import type { ContainerRuntime, ProcessStreams } from "../runtime/runtime.ts";
import { begun, understood } from "./begin.ts";

const dimension = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const TerminalSize = v.pipe(v.string(), v.parseJson(), v.object({ Width: dimension, Height: dimension }));
const ExecOptions = v.object({
  command: v.pipe(v.array(v.string()), v.minLength(1)),
  stdin: v.optional(v.boolean(), false),
  tty: v.optional(v.boolean(), false),
});
const AttachOptions = v.object({
  stdin: v.optional(v.boolean(), false),
  tty: v.optional(v.boolean(), false), // as the container has it
  /** Its stdin ends with that of the first who attaches. */
  stdinOnce: v.optional(v.boolean(), false),
});
type Engine = Pick<ContainerRuntime, "open">;
type Running = Pick<Pods, "containerId">;

export const execVerb = (engine: Engine, pods: Running): Verb => async (open, dialogue) => {
  const { command, ...options } = understood(ExecOptions, open), id = running(pods, open);
  await serve(await begun(() => engine.open(id, command, options)), dialogue, true);
};

export const attachVerb = (engine: Engine, pods: Running): Verb => async (open, dialogue) => {
  const { stdinOnce, ...options } = understood(AttachOptions, open), id = running(pods, open);
  await serve(await begun(() => engine.open(id, undefined, options)), dialogue, stdinOnce);
};

function running(pods: Running, { podUid, container = "" }: SessionOpen): string {
  const id = pods.containerId(podUid, container);
  if (id === undefined) throw new TunnelError("BadRequest", `container "${container}" is not running`);
  return id;
}

async function serve(process: ProcessStreams, dialogue: Dialogue, closesStdin: boolean): Promise<void> {
  const { signal } = dialogue, { stdout, stderr } = process, readers = [stdout.getReader(), stderr?.getReader()];
  // Whoever asked is gone: nobody reads what it prints, and nobody will end it.
  const abandon = (): void => readers.forEach((reader) => void reader?.cancel(signal.reason).catch(() => {}));
  signal.addEventListener("abort", abandon, { once: true });
  if (signal.aborted) abandon();
  dialogue.begin({ input: true });
  const input = feed(process, dialogue, closesStdin).catch(() => {}); // a process that reads no more, or has ended: how, is said below
  try {
    await Promise.all([copy(readers[0]!, channel.stdout, dialogue), readers[1] && copy(readers[1], channel.stderr, dialogue)]);
    const code = await process.done;
    signal.throwIfAborted();
    await dialogue.send(channel.exit, encodeExit(code));
  } finally {
    signal.removeEventListener("abort", abandon);
    void input;
  }
}

async function copy(reader: ReadableStreamDefaultReader<Uint8Array>, to: number, { send }: Dialogue): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await send(to, value);
  }
}

/** What the other side sends, to the process. Its size is news only until the next one. */
async function feed({ stdin, resize }: ProcessStreams, { input }: Dialogue, closes: boolean): Promise<void> {
  const writer = stdin?.getWriter();
  let open = writer !== undefined;
  for await (const { channel: on, flags, bytes } of input()) {
    if (on === channel.resize) {
      const size = v.safeParse(TerminalSize, new TextDecoder().decode(bytes));
      if (size.success) void resize({ width: size.output.Width, height: size.output.Height }).catch(() => {});
    }
    if (on !== channel.stdin || !open) continue;
    // A process that reads no more is told nothing: what is sent to it is taken, and dropped.
    if (bytes.length > 0) await writer!.write(bytes).catch(() => void (open = false));
    if (open && closes && flags & flag.end) {
      open = false;
      await writer!.close().catch(() => {});
    }
  }
  if (open) await writer!.abort().catch(() => {});
}
