// Images of this node: which are there, and pulling those that are not. One pull per image at a time, few at once, and a pause after each failure.
import { imagePullBackoff, imagePullsAtOnce } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { type ContainerRuntime, type ImageInfo, RuntimeError } from "../runtime/runtime.ts";

export interface PullFailure {
  readonly message: string;
  readonly failures: number;
  /** ms since 1970. */
  readonly at: number;
  readonly notBefore: number;
}
export interface ImagesDependencies {
  readonly runtime: Pick<ContainerRuntime, "image" | "pull">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class Images {
  readonly #on: ImagesDependencies;
  readonly #present = new Map<string, ImageInfo>();
  readonly #failures = new Map<string, PullFailure>();
  readonly #pulling = new Map<string, Promise<ImageInfo>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(on: ImagesDependencies) {
    this.#on = on;
  }

  /** As far as is known: `look` first. */
  has(reference: string): boolean {
    return this.#present.has(reference);
  }
  get(reference: string): ImageInfo | undefined {
    return this.#present.get(reference);
  }
  failure(reference: string): PullFailure | undefined {
    return this.#failures.get(reference);
  }
  notBefore(reference: string): number | undefined {
    const failure = this.#failures.get(reference);
    // Failed in the future: the clock has been set since.
    return failure === undefined || failure.at > this.#on.clock.now() ? undefined : failure.notBefore;
  }

  /** Asks the engine for those that are not known to be there. */
  async look(references: Iterable<string>): Promise<void> {
    for (const reference of new Set(references)) {
      if (this.#present.has(reference) || reference === "") continue;
      const found = await this.#on.runtime.image(reference);
      if (found) this.#present.set(reference, found);
    }
  }
  /** The engine has said that it does not have it. */
  lost(reference: string): void {
    this.#present.delete(reference);
  }
  /** Forgets pauses: what stood in the way may be gone. */
  retry(references: Iterable<string>): void {
    for (const reference of references) this.#failures.delete(reference);
  }

  /** With each of the credentials in turn, then with none. @throws RuntimeError ImagePull, and remembers it */
  pull(reference: string, credentials: readonly string[], signal: AbortSignal): Promise<ImageInfo> {
    let pulling = this.#pulling.get(reference);
    if (pulling === undefined) {
      pulling = this.#pull(reference, credentials, signal).finally(() => this.#pulling.delete(reference));
      this.#pulling.set(reference, pulling);
    }
    return pulling;
  }

  async #pull(reference: string, credentials: readonly string[], signal: AbortSignal): Promise<ImageInfo> {
    const { runtime, clock, random, log } = this.#on;
    await this.#turn();
    const began = clock.monotonic();
    try {
      let failure: unknown;
      for (const auth of [...credentials, undefined]) {
        try {
          const image = await runtime.pull(reference, { ...(auth !== undefined && { auth }), signal });
          this.#present.set(reference, image);
          this.#failures.delete(reference);
          log.info("Image pulled", { image: reference, ms: Math.round(clock.monotonic() - began), sizeBytes: image.sizeBytes });
          return image;
        } catch (error) {
          if (signal.aborted) throw error;
          failure ??= error; // what the best credentials met says most
        }
      }
      throw failure;
    } catch (error) {
      if (!signal.aborted && error instanceof RuntimeError && error.reason === "ImagePull") {
        const failures = (this.#failures.get(reference)?.failures ?? 0) + 1, at = clock.now();
        const delayMs = Math.min(imagePullBackoff.capMs, imagePullBackoff.baseMs * 2 ** (failures - 1)) * (1 + random() / 5);
        this.#failures.set(reference, { message: error.message, failures, at, notBefore: at + delayMs });
      }
      throw error;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Waits until few enough are under way. */
  async #turn(): Promise<void> {
    while (this.#running >= imagePullsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }
}
