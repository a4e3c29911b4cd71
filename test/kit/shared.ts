// Something dear that the tests of one file use one after another: made for the first, closed after the last.
import type { Test } from "./suite.ts";

export interface Shared<C> {
  readonly setup: () => Promise<C>;
  readonly teardown: () => Promise<void>;
  /** The suite's test, counted: the last one of them closes. */
  counting(test: Test<C>): Test<C>;
}

/** `explain`: what is told with a failure. */
export function shared<C>(make: () => Promise<C>, close: (made: C) => Promise<void>, explain: (made: C) => string = () => ""): Shared<C> {
  let made: Promise<C> | undefined, left = 0;
  return {
    setup: () => made ??= make(),
    async teardown() {
      if (--left === 0 && made) await close(await made);
    },
    counting: (test) => (title, body) => {
      left++;
      test(title, async (context) => {
        try {
          await body(context);
        } catch (error) {
          if (error instanceof Error) error.message += explain(context);
          throw error;
        }
      });
    },
  };
}
