// Putting a store in its place. It is made beside the place, under a name that no master opens, and gets its own name in one stroke; so a crash at any moment leaves
// what was there before, or all of the new.
//
//   D.making   being written: of no use to anybody
//   D.new      whole, and about to take the place of D
//   D          the store
// To replace a directory takes two renames. Between them there is no D: whoever finds it so, and a whole D.new beside it, makes the second one.
import type { Directories } from "../files.ts";

const making = (directory: string): string => `${directory}.making`;
const whole = (directory: string): string => `${directory}.new`;
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";

/** @param build fills the directory that it is given, durably */
type Build = (directory: string) => Promise<void>;

/** Whether a store could be put there without taking the place of anything. */
export const isVacant = async (directories: Directories, directory: string): Promise<boolean> => {
  await settle(directories, directory);
  return (await directories.list(directory)).length === 0;
};

/** Only into a vacant place: a store that begins there meanwhile stays, and this rejects. */
export async function place(directories: Directories, directory: string, build: Build): Promise<void> {
  await make(directories, directory, build);
  await directories.rename(making(directory), directory);
  await directories.syncDirectory(parentOf(directory));
}

/** The old store stays under the name `kept`. */
export async function replace(directories: Directories, directory: string, kept: string, build: Build): Promise<void> {
  const parent = parentOf(directory);
  await make(directories, directory, build);
  await directories.rename(making(directory), whole(directory));
  await directories.syncDirectory(parent);
  await directories.rename(directory, kept);
  await directories.syncDirectory(parent);
  await directories.rename(whole(directory), directory);
  await directories.syncDirectory(parent);
}

/** Brings a replacement that a crash has interrupted to its end, or takes it away. To be called before a store is opened or begun. @returns whether it was brought to its end */
export async function settle(directories: Directories, directory: string): Promise<boolean> {
  const parent = parentOf(directory), names = (await directories.list(parent)).map((name) => `${parent === "/" ? "" : parent}/${name}`);
  const ended = names.includes(whole(directory)) && (await directories.list(directory)).length === 0;
  if (ended) {
    await directories.rename(whole(directory), directory);
    await directories.syncDirectory(parent);
  }
  for (const path of [making(directory), whole(directory)]) if (names.includes(path)) await directories.removeTree(path);
  return ended;
}

async function make(directories: Directories, directory: string, build: Build): Promise<void> {
  await directories.makeDirectory(parentOf(directory));
  await settle(directories, directory);
  await directories.makeDirectory(making(directory));
  await build(making(directory));
}
