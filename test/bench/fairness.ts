// What somebody with one connection has to wait beside a client gone wild with two hundred: alone, beside it, and beside it where nobody takes turns.
import { figure, print, quantile, say } from "./figures.ts";
import { besideHog, makeCrowd, quiet } from "../kit/starvation.ts";
import { type MasterProcess, withMaster } from "../kit/master_process.ts";

const requests = 400;

export async function bench(): Promise<void> {
  const rows: string[][] = [["quiet client", "p50 ms", "p99 ms", "longest ms", "the other's p50 ms", "the other's answers"]];
  const row = (what: string, tookMs: readonly number[], theirs: readonly number[] = [], answers: object = {}): void => {
    const of = (q: number): string => figure(quantile(tookMs, q));
    rows.push([what, of(0.5), of(0.99), of(1), theirs.length ? figure(quantile(theirs, 0.5)) : "", JSON.stringify(answers)]);
  };
  const beside = async (what: string, master: MasterProcess): Promise<void> => {
    const none = (error: Error): number[] => {
      say(`${what}: ${error.message}`);
      return [];
    };
    const { result, hog } = await besideHog(master, () => quiet(master, requests).catch(none));
    row(what, result, hog.getsMs, hog.answers);
  };
  await withMaster(async (master) => {
    await makeCrowd(master);
    row("alone", await quiet(master, requests));
    await beside("beside 200 connections", master);
  });
  await withMaster(async (master) => {
    await makeCrowd(master);
    await beside("the same, without turns", master);
  }, { args: ["--max-requests-inflight", "0"] });
  say(`${requests} requests one after another, a quarter of them writes; the other lists and writes among 2,000 ConfigMaps\n`);
  print(rows);
}
