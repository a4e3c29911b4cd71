// Our `suite` over uvu. uvu 0.5.6 goes green when `before` throws, when `after.each` throws after a failing test, and when `.run()` is forgotten, and a
// promise that never settles hangs it. This one runs by itself, gives each test a context of its own, and bounds it in time.
// Register tests synchronously: no top-level await before them.
import process from "node:process";
import * as uvu from "uvu";

export interface SuiteOptions<C> {
  setup?(): C | Promise<C>;
  teardown?(context: C): unknown;
  /** Milliseconds a test may take, setup and teardown apart. Default 5,000. */
  timeoutMs?: number;
  /** Why nothing in this suite can run here; it must be in test/skips.ts. */
  skip?: string | undefined;
}
export type Test<C> = (title: string, body: (context: C) => unknown) => void;

let registered = 0;
/** Suites made so far in this process: a test file that made none is an error. */
export const suitesRegistered = (): number => registered;

export function suite<C extends object = Record<never, never>>(name: string, options: SuiteOptions<C> = {}): Test<C> {
  registered++;
  const inner = uvu.suite(name);
  queueMicrotask(() => inner.run());
  const skip = options.skip;
  return (title, body) => {
    if (skip !== undefined) {
      process.stdout.write(`SKIPPED ${name} ${title}: ${skip}\n`);
      return inner.skip(title);
    }
    inner(title, async () => {
      const context = (await options.setup?.()) ?? ({} as C);
      let failure: { error: unknown } | undefined;
      try {
        await within(options.timeoutMs ?? 5_000, title, body(context));
      } catch (error) {
        failure = { error };
      }
      // Not `finally`: an error in teardown must neither hide the test's own nor be hidden by it.
      try {
        await within(30_000, `teardown of ${title}`, options.teardown?.(context));
      } catch (error) {
        failure = failure
          ? { error: new AggregateError([failure.error, error], `${message(failure.error)}; and its teardown: ${message(error)}`) }
          : { error };
      }
      if (failure) throw printable(failure.error);
    });
  };
}

/** uvu reports nothing at all for a thrown value that is no Error, nor for an Error whose `details` are not its own (ApiError has such). */
function printable(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`thrown: ${String(error)}`);
  if (typeof (error as { details?: unknown }).details !== "object") return error;
  return Object.assign(new Error(`${error.name}: ${error.message}`, { cause: error }), { stack: error.stack });
}
const message = (error: unknown): string => error instanceof Error ? error.message : String(error);

async function within(timeoutMs: number, title: string, work: unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`"${title}" has not ended after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asserts that `work` rejects, and returns the error. uvu/assert has no such assertion. */
export async function rejects(work: Promise<unknown> | (() => Promise<unknown>)): Promise<Error> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected a rejection, but it resolved");
}
