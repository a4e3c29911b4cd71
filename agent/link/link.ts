// The one outbound connection of a device: session after session, for as long as it runs. Between them it waits with jitter, also after a drop that followed
// a good connection: a broker that restarts would otherwise have its whole fleet back in the same second.
import { linkBackoff, renewRetryMs, sessionStoredEvery } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { type Birth, Cumulative, parse, Renewed } from "../../shared/wire/messages.ts";
import type { Down, Up } from "../../shared/wire/topics.ts";
import { certificateRequest, type Identity, type IdentityFiles, validity } from "./identity.ts";
import { openSession, type Session } from "./session.ts";

/** What the rest of the agent does with the link. None of these may throw or wait. */
export interface LinkUsers {
  /** What this node says of itself when a session begins. */
  birth(): Omit<Birth, "sess">;
  connected(session: number): void;
  disconnected(): void;
  /** Everything but what the link itself deals with (cum's session, renew). */
  message(name: Down, payload: Uint8Array, id: string | undefined): void;
  cumulative(message: Cumulative): void;
}
export interface LinkState {
  readonly connected: boolean;
  readonly url?: string;
  /** Monotonic ms of the last change. */
  readonly sinceMs: number;
  readonly error?: string;
}
export interface Link {
  /** Without a session it does nothing: whoever must be heard says it again on the next. */
  send(name: Up, message: unknown, id?: string): void;
  sendBytes(name: Up, payload: Uint8Array, id: string): void;
  readonly state: LinkState;
  /** Cuts the connection as a broken link would (for tests and the emulator). */
  cut(): void;
  /** Resolves when the signal has aborted and goodbye was said. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Where MQTT may answer, what worked last first. `mqtts:` addresses are taken as they are; behind an API's address are MQTT's own port, then a WebSocket.
 * Of several masters each node begins with another one, by its id, so that a fleet spreads over them.
 */
export function endpoints(masters: readonly string[], nodeId: string, worked?: string): string[] {
  const direct = masters.filter((master) => master.startsWith("mqtts:")), apis = masters.filter((master) => master.startsWith("https:"));
  const found = [
    ...rotated(direct, nodeId),
    ...rotated(apis, nodeId).flatMap((master) => {
      const { hostname, port } = new URL(master);
      return [...direct.length > 0 ? [] : [`mqtts://${hostname}:8883`], `wss://${hostname}:${port || 443}/mqtt`];
    }),
  ];
  return worked && found.includes(worked) ? [worked, ...found.filter((url) => url !== worked)] : found;
}
function rotated<T>(list: readonly T[], nodeId: string): T[] {
  let sum = 0;
  for (let i = 0; i < nodeId.length; i++) sum = (Math.imul(sum, 31) + nodeId.charCodeAt(i)) >>> 0;
  const first = list.length === 0 ? 0 : sum % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

export function createLink(
  { identity, files, users, clock, random, log }: {
    identity: Identity;
    files: IdentityFiles;
    users: LinkUsers;
    clock: Clock;
    random: Random;
    log: Log;
  },
  { keepaliveSeconds }: { keepaliveSeconds: number },
): Link {
  let current = identity, session: Session | undefined, state: LinkState = { connected: false, sinceMs: clock.monotonic() };
  let number = 0, reserved = 0, highest = 0, worked: string | undefined, isSentAway = false, cancelRenewal: (() => void) | undefined;

  async function nextNumber(): Promise<number> {
    number = Math.max(number, highest) + 1;
    if (number > reserved) await files.keepSession(reserved = number + sessionStoredEvery - 1);
    return number;
  }

  function onMessage(name: Down, payload: Uint8Array, id: string | undefined): void {
    if (name === "renew") {
      return void onRenewed(payload).catch((error) => log.error("Cannot keep the renewed certificate", { error: chain(error) }));
    }
    if (name !== "cumulative") return users.message(name, payload, id);
    const message = parse(Cumulative, payload);
    if (!message) return;
    highest = Math.max(highest, message.sess);
    if (message.refused || message.sess > number) return session?.cut(); // the cluster knows a later session of this node: come back with a higher one
    if (message.masters && message.masters.length > 0 && message.masters.join() !== current.masters.join()) {
      current = { ...current, masters: message.masters };
      void files.facts(current).catch((error) => log.warn("Cannot keep the list of masters", { error: chain(error) }));
    }
    if (message.retryAfter === 0) {
      // A master that cannot do its work: any other is better.
      isSentAway = true;
      return session?.cut();
    }
    users.cumulative(message);
  }

  async function onRenewed(payload: Uint8Array): Promise<void> {
    const message = parse(Renewed, payload);
    if (!message?.certificate) return log.warn("The certificate was not renewed", { error: message?.error });
    await files.renewed(message.certificate);
    current = { ...current, certificate: message.certificate };
    log.info("The certificate is renewed", { notAfter: new Date(validity(message.certificate).notAfter).toISOString() });
    planRenewal();
    if (session?.standing === "renewal") session.cut(); // come back as a full member
  }

  /** At half of the certificate's life; a clock that is wrong in either direction renews at once and does no harm. */
  function planRenewal(): void {
    cancelRenewal?.();
    const { notBefore, notAfter } = validity(current.certificate), dueMs = (notBefore + notAfter) / 2 - clock.now();
    const delayMs = session?.standing === "renewal" || clock.now() < notBefore ? 0 : Math.max(0, dueMs);
    cancelRenewal = clock.after(Math.min(delayMs, 2 ** 31 - 1), () => void renew());
  }
  async function renew(): Promise<void> {
    const { notBefore, notAfter } = validity(current.certificate), now = clock.now();
    if (session?.standing !== "renewal" && now >= notBefore && now < (notBefore + notAfter) / 2) return planRenewal();
    session?.publish("renew", { csr: await certificateRequest(current.key, current.nodeName) });
    cancelRenewal = clock.after(renewRetryMs, () => void renew());
  }

  async function oneSession(url: string, signal: AbortSignal): Promise<string> {
    const opened = await openSession(
      url,
      current,
      { number: await nextNumber(), keepaliveSeconds, birth: () => ({ sess: number, ...users.birth() }) },
      { message: onMessage },
      signal,
    );
    session = opened;
    worked = url;
    state = { connected: true, url, sinceMs: clock.monotonic() };
    log.info("Connected to the master", { url, session: opened.number, standing: opened.standing });
    planRenewal();
    if (opened.standing === "full") users.connected(opened.number);
    const why = await opened.closed;
    session = undefined;
    cancelRenewal?.();
    users.disconnected();
    return why;
  }

  return {
    send: (name, message, id) => session?.publish(name, message, id),
    sendBytes: (name, payload, id) => session?.publishBytes(name, payload, id),
    get state() {
      return state;
    },
    cut: () => session?.cut(),
    async run(signal) {
      number = reserved = await files.session(); // whatever of it was used before: no number is used twice
      const ended = new AbortController();
      const goodbye = async (): Promise<void> => {
        await session?.stop("stop");
        ended.abort(signal.reason);
      };
      const onAbort = () => void goodbye();
      signal.addEventListener("abort", onAbort, { once: true });
      let delayMs = 0, attempt = 0;
      while (!signal.aborted) {
        const urls = endpoints(current.masters, current.nodeId, worked), url = urls[attempt++ % urls.length]!, begunMs = clock.monotonic();
        const why = await oneSession(url, ended.signal).catch((error) => chain(error));
        if (signal.aborted) break;
        const lasted = state.connected && !isSentAway;
        isSentAway = false;
        state = { connected: false, sinceMs: clock.monotonic(), error: why };
        if (lasted) attempt = 0;
        if (lasted && clock.monotonic() - begunMs > linkBackoff.capMs) delayMs = 0;
        // The first round over all addresses is quick: most of them may simply not be open from here.
        delayMs = !lasted && attempt < urls.length ? linkBackoff.baseMs * random() : nextDelay(linkBackoff, delayMs, random);
        log.info(lasted ? "The link is down; will connect again" : "Cannot reach the master; will try again", {
          url,
          delayMs: Math.round(delayMs),
          error: why,
        });
        await sleep(clock, delayMs, signal).catch(() => {});
      }
      signal.removeEventListener("abort", onAbort);
      cancelRenewal?.();
    },
  };
}
