// Temporary directories of tests. Each names the process it is of and says what belongs to it elsewhere on the machine, so that nothing of it stays: not when the
// test fails, not when its process is told to end, and after a kill the next run takes it away.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { isRunning, wipePodman } from "../../shared/platform/podman_leftovers.ts";
import { runToEnd } from "../../shared/platform/process.ts";

export interface Elsewhere {
  /** Podman's `--root`, below the directory. */
  readonly podmanRoot: string;
  /** Of its pods: `10.211.0.0/16`. */
  readonly subnet: string;
  /** Names of links begin with it. */
  readonly bridge: string;
  /** nftables, family inet. */
  readonly table?: string;
}
const note = ".elsewhere.json";
const stops = new Map<string, () => void>();
process.on("exit", () => {
  for (const [directory, stop] of stops) {
    stop();
    remove(directory);
  }
});

/** An empty one. @param stop ends what runs in there, before it is removed at the end of this process */
export function testDirectory(what: string, elsewhere?: Elsewhere, stop = (): void => {}): string {
  const directory = mkdtempSync(`${tmpdir()}/skerry-${what}-${process.pid}-`);
  if (elsewhere) writeFileSync(`${directory}/${note}`, JSON.stringify(elsewhere));
  stops.set(directory, stop);
  return directory;
}

/** With what belongs to it. For those who make many; the others leave it to the end of the process. */
export function removeTestDirectory(directory: string): void {
  remove(directory);
  stops.delete(directory);
}

/** Of test runs that were killed. */
export function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^skerry-[a-z-]+-(\d+)-\w{6}$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) remove(`${tmpdir()}/${name}`);
  }
}

function remove(directory: string): void {
  if (existsSync(`${directory}/${note}`)) {
    const { podmanRoot, subnet, bridge, table } = JSON.parse(readFileSync(`${directory}/${note}`, "utf8")) as Elsewhere;
    wipePodman({ directory, root: `${directory}/${podmanRoot}`, subnet });
    const links = readdirSync("/sys/class/net").filter((name) => name === bridge || name.startsWith(`${bridge}-`));
    for (const link of links.sort((a, b) => b.length - a.length)) runToEnd("ip", "link", "delete", link);
    if (table !== undefined) runToEnd("nft", "delete", "table", "inet", table);
  }
  for (const path of mountsBelow(directory)) runToEnd("umount", "--lazy", path);
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** The innermost first. */
function mountsBelow(directory: string): string[] {
  const paths = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "");
  return paths.filter((path) => path.startsWith(`${directory}/`)).reverse();
}
