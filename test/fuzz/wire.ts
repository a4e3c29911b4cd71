// A connection without a network: what a stranger sends is pushed, what he would hear is dropped.
import { Duplex } from "node:stream";

export class Wire extends Duplex {
  readonly gone: Promise<void>;
  constructor() {
    super({ allowHalfOpen: false });
    this.on("error", () => {}); // the end of a connection, for whatever reason
    this.gone = new Promise((resolve) => this.once("close", resolve));
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  override _final(done: () => void): void {
    done();
  }
  /** Sends all of it, and hangs up. Resolves when the other side is done with it, too. */
  async say(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      if (this.destroyed || this.readableEnded) break;
      this.push(chunk);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    if (!this.destroyed) this.push(null);
    await this.gone;
  }
}
