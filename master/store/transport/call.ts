// Calling another master: TCP, TLS, hello, and the answer to it, all within one deadline.
import { connect } from "node:tls";
import { peerFrameBytes, peerHandshakeMs, peerHelloBytes } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import { Connection } from "./connection.ts";
import { decodeAnswer, encodeHello, judgeCalled, type MemberName, type Purpose, type Refusal, versions } from "./handshake.ts";

/** The port of masters among themselves. */
export const peerPort = 6444;

/** PEM, all of it. `ca`: the cluster's own authority, and nobody else's. */
export interface PeerTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}
export interface Caller extends MemberName {
  /** Where this member can be called back, `host:port`; empty when it cannot say. */
  readonly address: string;
  readonly tls: PeerTls;
}

/** The two do not belong together; trying again helps only after somebody has acted. */
export class Refused extends Error {
  override name = "Refused";
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.words);
    this.refusal = refusal;
  }
}

/** @throws Refused, or Error: nobody answers there, or not in time, or not in our language; the signal's reason */
export async function call(
  clock: Clock,
  caller: Caller,
  { member, address, purpose }: { readonly member: number; readonly address: string; readonly purpose: Purpose },
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const { clusterId, clusterEpoch, memberId, tls } = caller, { host, port } = splitAddress(address);
  // Who answers is known by the URI in its certificate, not by the name under which it was called.
  const socket = connect({
    host,
    port,
    ca: tls.ca,
    cert: tls.certificate,
    key: tls.key,
    minVersion: "TLSv1.3",
    checkServerIdentity: () => undefined,
  });
  socket.on("error", () => {}); // whatever comes when nobody listens any more
  const cut = (why: Error): void => void socket.destroy(why);
  const cancel = clock.after(peerHandshakeMs, () => cut(new Error(`no answer within ${peerHandshakeMs} ms`)));
  const stop = (): void => cut(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed before TLS was ready")));
    });
    const connection = new Connection(socket, peerHelloBytes);
    const stranger = judgeCalled(connection.certificate, { clusterId, clusterEpoch, memberId: member }, address);
    if (stranger) throw new Refused(stranger);
    connection.send([encodeHello({ versions, purpose, clusterId, clusterEpoch, from: memberId, to: member, address: caller.address })]);
    const answer = decodeAnswer(await connection.read());
    if ("reason" in answer) throw new Refused(answer);
    connection.limit(peerFrameBytes);
    return connection;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const found = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(address), port = Number(found?.[3] ?? peerPort);
  if (!found || port < 1 || port > 65_535) throw new Error(`"${address}" is not of the form host:port`);
  return { host: found[1] ?? found[2]!, port };
}
