// A member's disk: it keeps its content from process to process, takes its time, and fails as real ones do. What a crash leaves is in test/kit/crash_files.ts.
import type { Files, OpenFile } from "../../master/store/files.ts";
import { CrashFiles } from "../kit/crash_files.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

export class SimDisk {
  readonly #world: World;
  #files = new CrashFiles();
  /** Milliseconds of an fsync, on average. */
  syncMs: number;
  /** How often a call fails, by errno. */
  readonly failing = { EIO: 0, ENOSPC: 0 };
  #hungUntil = 0;
  /** Something on it has changed by itself. */
  isRotten = false;
  /** Told of every file that has got its name, which no directory's sync has made certain yet. */
  renamed = (_path: string): void => {};

  constructor(world: World) {
    this.#world = world;
    this.syncMs = world.between(0.2, 8);
  }

  /** Calls that are answered only after `ms`. */
  hang(ms: number): void {
    this.#hungUntil = this.#world.now + ms;
  }
  /** Somebody else's files take all but so many bytes. */
  fill(room: number): void {
    this.#files.room = room;
  }
  /** They are gone. */
  empty(): void {
    this.#files.room = Infinity;
  }
  /** The process is gone; the machine is not. */
  processEnded(): void {
    this.#files = this.#files.restart();
  }
  /** The machine is without power: of what was not synced, any part may be there. */
  powerCut(): void {
    this.#files = this.#files.powerCut(this.#world.random);
  }
  /** One bit changes in what was written: as often in the last ten bytes of a file as in the last hundred but those, because the end is what recovery has to judge. */
  rot(): void {
    const world = this.#world, paths = this.#files.paths().filter((path) => /\.(seg|snap)$/.test(path));
    if (paths.length === 0) return;
    this.isRotten = true;
    // Half the time where the log ends.
    const path = world.chance(0.5) ? paths.filter((path) => path.endsWith(".seg")).at(-1) ?? world.pick(paths) : world.pick(paths);
    this.#files.damage(path, (bytes) => {
      const written = bytes.findLastIndex((byte) => byte !== 0) + 1;
      if (written > 0) bytes[written - Math.ceil(Math.exp(world.random() * Math.log(written)))]! ^= 1 << world.whole(8);
    });
  }

  /** What is on it for certain. */
  get files(): CrashFiles {
    return this.#files;
  }

  /** As one process sees it. */
  open(process: Process): Files {
    const files = this.#files;
    const call = <T>(ms: number, changes: boolean, work: () => Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        const perform = (): void =>
          process.run(() => {
            const late = this.#hungUntil - this.#world.now;
            if (late > 0) return void this.#world.after(late, perform);
            if (changes) this.#strike(files);
            work().then(resolve, reject);
          });
        this.#world.after(this.#latency(ms), perform);
      });
    const wrap = (file: OpenFile): OpenFile => ({
      write: (bytes, position) => call(0.02, true, () => file.write(bytes, position)),
      read: (position, length) => call(0.02, false, () => file.read(position, length)),
      datasync: () => call(this.syncMs, true, () => file.datasync()),
      size: () => call(0.02, false, () => file.size()),
      close: () => file.close(),
    });
    return {
      create: (path) => call(0.1, true, async () => wrap(await files.create(path))),
      open: (path) => call(0.1, false, async () => wrap(await files.open(path))),
      list: (directory) => call(0.1, false, () => files.list(directory)),
      rename: (from, to) =>
        call(0.1, true, () => {
          this.renamed(to);
          return files.rename(from, to);
        }),
      remove: (path) =>
        call(0.1, true, async () => {
          const { room } = files;
          await files.remove(path);
          if (this.#world.chance(0.5)) files.room = room; // somebody else was quicker
        }),
      makeDirectory: () => Promise.resolve(),
      syncDirectory: (path) => call(this.syncMs, true, () => files.syncDirectory(path)),
      lock: (path) => files.lock(path),
    };
  }

  #strike(files: CrashFiles): void {
    for (const kind of ["EIO", "ENOSPC"] as const) {
      if (this.failing[kind] > 0 && this.#world.chance(this.failing[kind])) files.failNext(kind);
    }
  }
  /** Mostly near the mean; now and then a neighbour's turn takes many times as long. */
  #latency(mean: number): number {
    return this.#world.chance(0.01) ? mean * this.#world.between(5, 50) : mean * this.#world.between(0.5, 1.5);
  }
}
