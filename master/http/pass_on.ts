// A request that takes its connection over, for a node whose session another master has: that one is asked the same, as the same user, and decides as if it had been
// asked at first. From then on the bytes of both connections are handed across as they are, whatever protocol they speak.
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ApiError } from "../../shared/api/status.ts";
import { elsewhereMs, streamAliveMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { User } from "../rbac/user.ts";
import { type Credentials, forwarded, refusalOf } from "./between.ts";
import type { Operation } from "./context.ts";
import type { PodFacts } from "./stream.ts";
import type { Upgrade } from "./upgrade.ts";

/** Hands the connection over to the master at `url`. @throws ApiError: what the other said, or ServiceUnavailable where it cannot be reached */
export type PassOn = (url: string, upgrade: Upgrade, user: User) => Promise<Response>;

export const passOnWith = (needs: { readonly clock: Clock; readonly credentials: Credentials }): PassOn => async (url, upgrade, user) => {
  const { answer, socket: other, head: first } = await askForUpgrade(needs, url, upgrade, user);
  const abandon = (): void => void other.destroy();
  other.on("error", () => {}); // "close" follows
  upgrade.gone.addEventListener("abort", abandon, { once: true });
  if (upgrade.gone.aborted) abandon();
  return upgrade.accept((socket, head) => {
    for (const one of [socket, other] as { setKeepAlive?(on: boolean, ms: number): void }[]) one.setKeepAlive?.(true, streamAliveMs);
    const lines = [`HTTP/1.1 101 ${answer.statusMessage}`];
    for (let at = 0; at < answer.rawHeaders.length; at += 2) lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    if (first.length > 0) socket.write(first);
    if (head.length > 0) other.write(head);
    socket.once("close", abandon);
    other.once("close", () => socket.destroy());
    socket.pipe(other).pipe(socket);
  });
};

/** The answer of the master that has the pod's node, if that is another one. Who was asked by a master asks no further. */
export async function elsewhere({ api, c }: Pick<Operation, "api" | "c">, pod: PodFacts): Promise<Response | undefined> {
  const { upgrade } = c.env, url = c.req.header(forwarded) === undefined ? api.streams.whereIs?.(pod) : undefined;
  return url && upgrade ? await api.passOn?.(url, upgrade, c.get("user")) : undefined;
}

interface Upgraded {
  readonly answer: IncomingMessage;
  readonly socket: Duplex;
  /** What came right behind the answer. */
  readonly head: Uint8Array;
}

async function askForUpgrade(
  { clock, credentials: { ca, certificate, key } }: Parameters<typeof passOnWith>[0],
  url: string,
  { request, gone }: Upgrade,
  user: User,
): Promise<Upgraded> {
  const got = await new Promise<Upgraded | IncomingMessage>((resolve, reject) => {
    const sent = https.request(new URL(request.url ?? "/", url), {
      ca,
      cert: certificate,
      key,
      method: request.method,
      agent: false,
      signal: gone,
      headers: headersFor(request, user),
    });
    const inTime = clock.after(elsewhereMs, () => sent.destroy(new Error(`no answer within ${elsewhereMs} ms`)));
    sent.once("error", reject);
    sent.once("close", inTime);
    sent.once("upgrade", (answer, socket, head) => {
      inTime();
      resolve({ answer, socket, head });
    });
    sent.once("response", resolve);
    sent.end();
  }).catch((cause) => {
    gone.throwIfAborted();
    throw new ApiError("ServiceUnavailable", `the master at ${url}, which has the node, cannot be reached: ${cause.message}`, { cause });
  });
  if ("answer" in got) return got;
  throw await refusalOf(got, url);
}

/** As they came, but for who asks: that is said by this master's certificate, and as whom. */
function headersFor({ headers }: IncomingMessage, { name, uid, groups, extra = {} }: User): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([header, value]) =>
    value !== undefined && !/^(host|authorization|cookie|content-length|transfer-encoding|impersonate-.*)$/.test(header)
  );
  return {
    ...Object.fromEntries(kept) as Record<string, string | string[]>,
    [forwarded]: "1",
    "impersonate-user": name,
    ...(uid && { "impersonate-uid": uid }),
    "impersonate-group": [...groups],
    ...Object.fromEntries(Object.entries(extra).map(([key, values]) => [`impersonate-extra-${encodeURIComponent(key)}`, [...values]])),
  };
}
