// Work that only the leader does: started once a term, told to stop when the term is over.
import type { Log } from "../../shared/util/log.ts";

export class Leadership {
  readonly #log: Log;
  /** The term in which this member leads; 0 = it does not. */
  #term = 0;
  #ended: AbortController | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The replica says, after every turn, in which term it leads. */
  update(term: number): void {
    if (term === this.#term) return;
    this.#term = term;
    this.#ended?.abort(new Error("this member leads no more"));
    this.#ended = term === 0 ? undefined : new AbortController();
    for (const wake of [...this.#waiting]) wake();
  }

  /** Runs `work` once in every term in which this member leads. Resolves when `signal` has aborted and the work has stopped; rejects with the work's own error. */
  async lead(name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void> {
    let done = 0;
    while (!signal.aborted) {
      if (this.#term === 0 || this.#term === done) {
        await this.#change(signal);
        continue;
      }
      const term = done = this.#term, ended = this.#ended!.signal, both = AbortSignal.any([signal, ended]);
      this.#log.info("Leading", { name, term });
      try {
        await work({ signal: both });
      } catch (error) {
        if (!both.aborted) throw error;
        this.#log.debug("Stopped leading", { name, term, error });
      }
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
