// Runs cases, life by life and target by target, and watches what becomes of the process: its memory, its event loop, errors that nobody caught.
import process from "node:process";
import { seeded } from "../../shared/util/clock.ts";
import { caseSeed, type Target, type World } from "./target.ts";

/** Milliseconds of work after which a case has hung the process, and until which one that waits must have ended. */
const hangMs = 1_000, endsMs = 20_000;

export interface Finding {
  readonly target: string;
  readonly index: number;
  readonly what: string;
  readonly shown: string;
}
export interface Ran {
  readonly findings: Finding[];
  /** The one that worked for longest. */
  slowest: { readonly ms: number; readonly target: string; readonly index: number };
}

/** What nobody caught while a case ran. */
const uncaught: string[] = [];
/** Instead of whoever listens otherwise, and ends the process. Returns what brings them back. */
function listen(): () => void {
  const note = (error: unknown) => void uncaught.push(`nobody has caught ${error instanceof Error ? error.stack : String(error)}`);
  const back = (["unhandledRejection", "uncaughtException"] as const).map((event) => {
    const name = event as "uncaughtException", others = process.listeners(name);
    process.removeAllListeners(name).on(name, note);
    return () => {
      process.off(name, note);
      for (const other of others) process.on(name, other);
    };
  });
  return () => back.forEach((restore) => restore());
}

/** Cases `from` up to `to` of one target, in one life. Only the last one is looked at if `only` says so: the others bring the world to where it was. */
export async function live(
  target: Target,
  seed: number,
  from: number,
  to: number,
  ran: Ran,
  stop: () => boolean = () => false,
): Promise<number> {
  const world = await target.open(), unlisten = listen();
  let index = from;
  try {
    for (; index < to && !stop(); index++) await one(target, world, seed, index, ran);
  } finally {
    unlisten();
    await world.close();
  }
  return index - from;
}

async function one(target: Target, world: World<unknown>, seed: number, index: number, ran: Ran): Promise<void> {
  const made = target.make(seeded(caseSeed(seed, target.name, index)));
  const before = cpuMs();
  const what = await within(Promise.resolve().then(() => world.run(made))).catch((error) =>
    `threw ${error instanceof Error ? error.stack : String(error)}`
  );
  const ms = cpuMs() - before;
  if (ms > ran.slowest.ms) ran.slowest = { ms, target: target.name, index };
  const wrongs = [...what === undefined ? [] : [what], ...uncaught.splice(0), ...ms > hangMs ? [`worked for ${Math.round(ms)} ms`] : []];
  if (wrongs.length > 0) ran.findings.push({ target: target.name, index, what: wrongs.join("\n"), shown: target.show(made) });
}

async function within(work: Promise<string | undefined>): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => timer = setTimeout(() => resolve(`has not ended after ${endsMs} ms`), endsMs));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The processor's time, not the wall's: other programs have no part in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
