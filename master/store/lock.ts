// One process per data directory. The lock is a file that names its holder by process id, start time and boot: a process id alone comes back after a
// restart of the machine, and then nobody would dare to remove it.
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import process from "node:process";

interface Holder {
  readonly pid: number;
  /** Start time in clock ticks since boot (proc(5), field 22 of stat). */
  readonly started: string;
  readonly boot: string;
}

/** @throws Error when a living process holds it, naming that process. */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const mine = JSON.stringify(await describe(process.pid));
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await link(temporary, path); // fails if the name is taken, and is never seen half written
        return () => release(path, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const text = await readFile(path, "utf8").catch(() => "");
      const holder = parse(text);
      if (holder && await isAlive(holder)) {
        throw new Error(`Cannot use ${path}: process ${holder.pid} holds it; stop that process first`);
      }
      await removeStale(path, text);
    }
    throw new Error(`Cannot use ${path}: other processes are starting on it`);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Moves the stale lock aside first, so that of two starting processes none removes the other's new one. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (await readFile(aside, "utf8") !== text) await link(aside, path).catch(() => {}); // it was a new one: put back
  await rm(aside, { force: true });
}

async function release(path: string, mine: string): Promise<void> {
  if (await readFile(path, "utf8").catch(() => "") === mine) await rm(path, { force: true });
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
