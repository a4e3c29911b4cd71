// What the file system says by a number, in words that say what to do.
import process from "node:process";

const reasons: Readonly<Record<string, () => string>> = {
  EACCES: () => `user ${process.getuid?.()} may not do that there. Run as the owner of the directory, or give it to this user (chown -R)`,
  EPERM: () => `user ${process.getuid?.()} may not do that there. Run as the owner of the directory, or give it to this user (chown -R)`,
  EROFS: () => "its file system is read-only. Mount it writable, or use another directory",
  ENOTDIR: () => "there is a file where a directory should be. Move it away",
  EEXIST: () => "there is a file where a directory should be. Move it away",
  EISDIR: () => "there is a directory where a file should be. Move it away",
};

/** An error of a file that its user can mend, with the path first; any other one as it is. */
export function explained(error: unknown): unknown {
  const { code = "", path, syscall } = error as NodeJS.ErrnoException;
  if (path === undefined || syscall === undefined || !Object.hasOwn(reasons, code)) return error;
  return new Error(`Cannot use ${path}: ${reasons[code]!()}`, { cause: error });
}
