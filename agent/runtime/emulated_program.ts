// What pretended processes do: a few words of shell, enough for probes, for hooks, and for tests that run the same commands in real containers. Pure.

export type Act =
  | { readonly do: "print"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly do: "sleep"; readonly ms: number }
  /** Copies stdin to stdout until stdin ends. */
  | { readonly do: "cat" }
  /** Serves until it is told to stop: what an image's own command does. */
  | { readonly do: "serve" }
  | { readonly do: "exit"; readonly code: number };

export interface Surroundings {
  readonly hostname: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The program of a command line; ends with `exit` or `serve`. A command that this shell does not know is `unknown`: pretended containers run any image's commands. */
export function program(command: readonly string[], around: Surroundings, unknown: "serves" | "succeeds"): Act[] {
  const isScript = command.length >= 3 && /(^|\/)sh$/.test(command[0]!) && command[1] === "-c";
  const acts = isScript ? script(command[2]!, around) : statement(command, around);
  if (acts === undefined) return unknown === "serves" ? [{ do: "serve" }] : [{ do: "exit", code: 0 }];
  return acts.at(-1)?.do === "exit" ? acts : [...acts, { do: "exit", code: 0 }];
}

/** How long it takes by itself, in ms; Infinity for a server. */
export function durationMs(acts: readonly Act[]): number {
  return acts.reduce((sum, act) => sum + (act.do === "sleep" ? act.ms : act.do === "serve" || act.do === "cat" ? Infinity : 0), 0);
}
export function exitCode(acts: readonly Act[]): number {
  const last = acts.at(-1);
  return last?.do === "exit" ? last.code : 0;
}
/** Process 1 gets a SIGTERM only if it asked for it: a server did, a shell that sleeps did not and is killed when the grace is over. */
export const hearsSigterm = (acts: readonly Act[]): boolean => acts.some((act) => act.do === "serve");

function script(text: string, around: Surroundings): Act[] | undefined {
  const acts: Act[] = [];
  let status = 0;
  for (const line of text.split(/[;\n]/)) {
    const words = line.trim().split(/\s+/).filter((word) => word !== "").map((word) => expand(word, around));
    if (words.length === 0) continue;
    const next = statement(words, around);
    if (next === undefined) return undefined;
    status = exitCode(next); // of all statements only the last one's status counts
    acts.push(...next.filter((act) => act.do !== "exit"));
    if (words[0] === "exit") break;
  }
  return [...acts, { do: "exit", code: status }];
}

/** Undefined: a program this shell does not know. */
function statement(words: readonly string[], around: Surroundings): Act[] | undefined {
  const [name, ...rest] = words;
  switch (name?.slice(name.lastIndexOf("/") + 1)) {
    case "echo": {
      const toStderr = rest.includes(">&2");
      const text = rest.filter((word) => word !== ">&2").join(" ");
      return [{ do: "print", stream: toStderr ? "stderr" : "stdout", text: `${text}\n` }];
    }
    case "exit":
      return [{ do: "exit", code: Number(rest[0] ?? 0) }];
    case "sleep":
      return [{ do: "sleep", ms: Number(rest[0] ?? 0) * 1000 }];
    case "true":
      return [{ do: "exit", code: 0 }];
    case "false":
      return [{ do: "exit", code: 1 }];
    case "hostname":
      return [{ do: "print", stream: "stdout", text: `${around.hostname}\n` }];
    case "cat":
      return rest.length === 0 ? [{ do: "cat" }] : []; // of a file: probes do it, and it is there
    default:
      return undefined;
  }
}

const expand = (word: string, around: Surroundings): string =>
  word.replace(/^(["'])(.*)\1$/, "$2").replace(
    /\$\{?(\w+)\}?/g,
    (_, name: string) => name === "HOSTNAME" ? around.hostname : around.env[name] ?? "",
  );
