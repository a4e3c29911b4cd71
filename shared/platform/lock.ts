// One process per data directory. The lock is a file that names its holder by process id, start time and boot: a process id alone comes back after a
// restart of the machine, and then nobody would dare to take over. Locks are numbered: a stale one is never removed to make room, but outbid by the next number, and
// of several that try only one gets that name. So nobody can remove by mistake what another has just created.
import { randomUUID } from "node:crypto";
import { link, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import process from "node:process";

interface Holder {
  readonly pid: number;
  /** Start time in clock ticks since boot (proc(5), field 22 of stat). */
  readonly started: string;
  readonly boot: string;
}

/** @throws Error when a living process holds it, naming that process. */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const temporary = `${path}-${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(await describe(process.pid)), { mode: 0o600 });
  try {
    const before = await numbers(path);
    await refuseIfHeld(path, before);
    const mine = Math.max(0, ...before) + 1;
    try {
      await link(temporary, `${path}.${mine}`); // fails if the name is taken, and is never seen half written
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") await refuseIfHeld(path, [mine]);
      throw error;
    }
    const others = (await numbers(path)).filter((number) => number !== mine);
    try {
      await refuseIfHeld(path, others); // whoever counted from another list
    } catch (error) {
      await rm(`${path}.${mine}`, { force: true });
      throw error;
    }
    for (const number of others) if (number < mine) await rm(`${path}.${number}`, { force: true });
    return () => rm(`${path}.${mine}`, { force: true });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function numbers(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.`, names = await readdir(dirname(path));
  return names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length))).filter(Number.isInteger);
}

async function refuseIfHeld(path: string, candidates: readonly number[]): Promise<void> {
  for (const number of candidates) {
    const file = `${path}.${number}`, holder = parse(await readFile(file, "utf8").catch(() => ""));
    if (holder && await isAlive(holder)) throw new Error(`Cannot use ${file}: process ${holder.pid} holds it; stop that process first`);
  }
}

async function describe(pid: number): Promise<Holder> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  // The second field is the program's name in parentheses and may hold anything; what is wanted is the 20th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ended = fields[0] === "Z" || fields[0] === "X"; // only its parent has not looked yet
  return { pid, started: ended ? "" : fields[19] ?? "", boot: boot.trim() };
}

async function isAlive(holder: Holder): Promise<boolean> {
  const now = await describe(holder.pid);
  if (now.boot !== "") return now.boot === holder.boot && now.started !== "" && now.started === holder.started;
  try { // a system without /proc: the process id has to do
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "pid" in value && "started" in value && "boot" in value
      ? value as Holder
      : undefined;
  } catch {
    return undefined; // cut off by a crash: nobody's
  }
}
