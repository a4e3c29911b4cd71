// A container's output, read from the file that the engine writes in CRI form: `<RFC 3339 time> stdout|stderr F|P <text>\n`, P when the line goes on in the next entry.
// Served from the file itself, not by the engine: Podman's log call cuts the times to seconds. Two generations may exist, `<path>.1` (older, see log_rotation.ts) and `<path>`.
import { Buffer } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { logBlockBytes, logEntryBytes, logPollMs } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";

/** The options of `kubectl logs`; all of them apply, in the order tail, since, limit. */
export interface LogQuery {
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** Milliseconds since 1970. */
  readonly sinceTime?: number;
  /** Bytes of output. */
  readonly limitBytes?: number;
  readonly stream?: "stdout" | "stderr";
}

/** Where a container's output goes; `attempt - 1` is what `kubectl logs --previous` wants. */
export function containerLogPath(
  logsDir: string,
  pod: { namespace: string; name: string; uid: string },
  container: string,
  attempt: number,
): string {
  return join(logsDir, `${pod.namespace}_${pod.name}_${pod.uid}`, container, `${attempt}.log`);
}
/** The generation before the current one. */
export const rotatedLogPath = (path: string): string => `${path}.1`;

/**
 * The output as kubectl shows it. Parts of a long line come out as one line. With `follow` it goes on, over rotations, until `running` says that the container has
 * ended and the rest has been read, or the signal aborts. No file: nothing, or with `follow` what will come.
 */
export async function* readLog(
  on: { readonly clock: Clock },
  path: string,
  query: LogQuery,
  options: { readonly signal: AbortSignal; readonly running?: () => boolean },
): AsyncGenerator<Uint8Array> {
  const since = Math.max(
    query.sinceTime ?? -Infinity,
    query.sinceSeconds === undefined ? -Infinity : on.clock.now() - query.sinceSeconds * 1000,
  );
  const formatter = new Formatter(since, query);
  let left = query.limitBytes ?? Infinity;
  for await (const block of blocks(on, path, query, options)) {
    const text = formatter.push(block).subarray(0, left);
    left -= text.length;
    if (text.length > 0) yield text;
    if (left <= 0) return;
  }
}

/** The raw bytes from the first wanted entry on. */
async function* blocks(
  { clock }: { readonly clock: Clock },
  path: string,
  query: LogQuery,
  { signal, running = () => false }: { readonly signal: AbortSignal; readonly running?: () => boolean },
): AsyncGenerator<Uint8Array> {
  let current = await openIfThere(path);
  try {
    let wanted = query.tailLines ?? Infinity;
    let position = 0;
    if (current && wanted !== Infinity) {
      const found = await tailOffset(current, wanted);
      position = found.offset;
      wanted -= found.lines;
    }
    if (wanted > 0) yield* older(path, wanted);
    const buffer = Buffer.alloc(logBlockBytes);
    while (!signal.aborted) {
      const alive = running(); // asked before reading: what it wrote before it ended is then in the file
      const bytesRead = current ? (await current.read(buffer, 0, buffer.length, position)).bytesRead : 0;
      if (bytesRead > 0) {
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
        continue;
      }
      const next = await successor(path, current, position);
      if (next !== undefined) {
        if (next !== current) await current?.close();
        current = next;
        position = 0;
        continue;
      }
      if (!query.follow || !alive) return;
      await sleep(clock, logPollMs, signal).catch(() => {}); // an abort ends the loop
    }
  } finally {
    await current?.close();
  }
}

/** The file to go on with from its start, once the end of `current` is reached: a new one of that name, or the same one after somebody cut it. */
async function successor(path: string, current: FileHandle | undefined, position: number): Promise<FileHandle | undefined> {
  const next = await openIfThere(path);
  if (next === undefined || current === undefined) return next;
  const [there, here] = await Promise.all([next.stat(), current.stat()]);
  if (there.ino !== here.ino) return next;
  await next.close();
  return here.size < position ? current : undefined;
}

async function* older(path: string, wantedLines: number): AsyncGenerator<Uint8Array> {
  const file = await openIfThere(rotatedLogPath(path));
  if (file === undefined) return;
  try {
    let position = wantedLines === Infinity ? 0 : (await tailOffset(file, wantedLines)).offset;
    const buffer = Buffer.alloc(logBlockBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Where the last `lines` lines begin, read backwards block by block; `lines` in the answer is how many there are, at most as many as asked. */
async function tailOffset(file: FileHandle, lines: number): Promise<{ offset: number; lines: number }> {
  const { size } = await file.stat();
  if (lines === 0) return { offset: size, lines: 0 };
  const buffer = Buffer.alloc(logBlockBytes);
  const head = Buffer.alloc(entryHeadBytes);
  let found = 0; // complete lines (F) that end at or after `end`
  let end = size, from = size, length = 0;
  const entryHead = async (start: number): Promise<Buffer> => {
    const bytes = Math.min(entryHeadBytes, end - start);
    if (start + bytes <= from + length) return buffer.subarray(start - from, start - from + bytes);
    return head.subarray(0, (await file.read(head, 0, bytes, start)).bytesRead); // it lies across the border of two blocks
  };
  while (from > 0) {
    length = Math.min(buffer.length, from);
    from -= length;
    await file.read(buffer, 0, length, from);
    for (let at = length - 1; at >= -1; at--) {
      // An entry starts behind a newline, or at the very start.
      const start = from + at + 1;
      if ((at >= 0 ? buffer[at] !== newline : from !== 0) || start >= end) continue;
      const entry = parseEntry(await entryHead(start));
      if (entry === undefined || entry.whole) {
        if (found === lines) return { offset: end, lines };
        found++;
      }
      end = start;
    }
  }
  return { offset: 0, lines: found };
}

const newline = 10, space = 32;
/** Longer than time, stream and tag together. */
const entryHeadBytes = 64;

interface Entry {
  readonly time: string;
  readonly stream: string;
  readonly whole: boolean;
  readonly text: Buffer;
}

/** Undefined: not an entry (a write that a power cut tore). */
function parseEntry(line: Buffer): Entry | undefined {
  const first = line.indexOf(space), second = line.indexOf(space, first + 1), third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const tag = line.toString("latin1", second + 1, third);
  if (tag !== "F" && tag !== "P") return undefined;
  return {
    time: line.toString("latin1", 0, first),
    stream: line.toString("latin1", first + 1, second),
    whole: tag === "F",
    text: line.subarray(third + 1),
  };
}

/** CRI entries in, lines out. Holds one entry that is not complete yet, and nothing else: the parts of a long line go out as they come, as the kubelet does it. */
class Formatter {
  readonly #since: number;
  readonly #query: LogQuery;
  /** Per stream: a line is open, so the next part needs no time of its own. */
  readonly #open = new Set<string>();
  #rest = Buffer.alloc(0);

  constructor(since: number, query: LogQuery) {
    this.#since = since;
    this.#query = query;
  }

  push(block: Uint8Array): Buffer {
    const bytes = Buffer.concat([this.#rest, block]);
    const out: Uint8Array[] = [];
    let from = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      const entry = parseEntry(bytes.subarray(from, at));
      from = at + 1;
      if (entry !== undefined) this.#format(entry, out);
    }
    // No entry is that long: it is not a log, and must not fill the memory.
    this.#rest = bytes.length - from > logEntryBytes ? Buffer.alloc(0) : Buffer.from(bytes.subarray(from));
    return Buffer.concat(out);
  }

  #format({ time, stream, whole, text }: Entry, out: Uint8Array[]): void {
    if (this.#query.stream !== undefined && stream !== this.#query.stream) return;
    if (this.#since !== -Infinity && Date.parse(time) < this.#since) return;
    if (this.#query.timestamps && !this.#open.has(stream)) out.push(Buffer.from(`${time.replace(/[+-]00:00$/, "Z")} `));
    out.push(text);
    if (whole) {
      this.#open.delete(stream);
      out.push(lineEnd);
    } else this.#open.add(stream);
  }
}
const lineEnd = Buffer.from("\n");
