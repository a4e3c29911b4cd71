// Header blocks of SPDY/3 (§2.6.10): names and values in one zlib stream for each direction of a connection, which begins with a dictionary.
import { Buffer } from "node:buffer";
import { constants, createInflate, type Inflate } from "node:zlib";
import { spdyHeaderBytes } from "../../../shared/limits.ts";
import { SpdyError } from "./frames.ts";

const words =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
const tail = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found" +
  "500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 " +
  "Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml," +
  "text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
/** Each word after its length (u32); then a tail of bare text. */
export const dictionary = Buffer.concat([
  ...words.split(" ").map((word) => word.replace("_", " ")).flatMap((word) => [Buffer.from([0, 0, 0, word.length]), Buffer.from(word)]),
  Buffer.from(tail),
]);

/** The client's direction. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH });
  #out: Uint8Array[] = [];
  #size = 0;
  #failed: Error | undefined;

  constructor() {
    this.#inflate.on("data", (bytes: Uint8Array) => {
      this.#size += bytes.length;
      if (this.#size <= spdyHeaderBytes) this.#out.push(bytes);
      else this.#inflate.destroy(new SpdyError(`headers of more than ${spdyHeaderBytes} bytes`));
    });
    this.#inflate.on("error", (error) => this.#failed = error);
  }
  /** One block at a time. @throws SpdyError */
  async read(block: Uint8Array): Promise<ReadonlyMap<string, string>> {
    this.#out = [];
    this.#size = 0;
    await new Promise<void>((resolve) => {
      this.#inflate.once("close", resolve); // of one that failed: its callbacks never come
      this.#inflate.write(block, () => this.#inflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
      this.#inflate.resume();
    }).finally(() => this.#inflate.removeAllListeners("close"));
    if (this.#failed) throw new SpdyError(`headers cannot be read: ${this.#failed.message}`, { cause: this.#failed });
    return parse(Buffer.concat(this.#out));
  }
  close(): void {
    this.#inflate.destroy();
  }
}

function parse(bytes: Buffer): ReadonlyMap<string, string> {
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError("headers end too early");
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new SpdyError("headers end too early");
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) {
    const name = text();
    headers.set(name.toLowerCase(), text());
  }
  return headers;
}

/**
 * The server's direction has nothing to say: blocks of no headers, stored as they are (RFC 1951 §3.2.4). The first one begins the
 * zlib stream (RFC 1950 §2.2). An empty block ends each, as a flush does: Go hands on what it has unpacked only when it sees that.
 */
export function emptyHeaders(first: boolean): Uint8Array {
  const stored = [0x00, 4, 0, 0xfb, 0xff, 0, 0, 0, 0], flush = [0x00, 0, 0, 0xff, 0xff];
  return Uint8Array.from(first ? [0x78, 0x20, ...dictionaryId, ...stored, ...flush] : [...stored, ...flush]);
}
/** Adler-32 of the dictionary. */
const dictionaryId = [0xe3, 0xc6, 0xa7, 0xc2];
