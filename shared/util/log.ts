// Structured log: a constant sentence and keys. `error` means that somebody must act.
import process from "node:process";

export type Level = "debug" | "info" | "warn" | "error";
export type Keys = Readonly<Record<string, unknown>>;

export interface Log {
  debug(sentence: string, keys?: Keys): void;
  info(sentence: string, keys?: Keys): void;
  warn(sentence: string, keys?: Keys): void;
  error(sentence: string, keys?: Keys): void;
  /** A log that adds `keys` to every line. */
  with(keys: Keys): Log;
}

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One JSON object a line. Errors are shown with their causes; nothing else is unfolded. */
function jsonLog(write: (line: string) => void, now: () => number, least: Level = "info", bound: Keys = {}): Log {
  const at = (level: Level) => (sentence: string, keys: Keys = {}) => {
    if (rank[level] < rank[least]) return;
    const shown: Record<string, unknown> = { time: new Date(now()).toISOString(), level, message: sentence };
    for (const [key, value] of Object.entries({ ...bound, ...keys })) shown[key] = value instanceof Error ? chain(value) : value;
    write(JSON.stringify(shown) + "\n");
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (keys) => jsonLog(write, now, least, { ...bound, ...keys }),
  };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog };

/** For programs: to standard error, so that standard output stays the program's answer. */
export const standardErrorLog = (now: () => number, least?: Level): Log => jsonLog((line) => process.stderr.write(line), now, least);

/** "what failed: why: why" from an error and its causes. */
export function chain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 8; at = at instanceof Error ? at.cause : undefined) {
    parts.push(at instanceof Error ? at.message || at.name : String(at));
  }
  return parts.join(": ");
}
