// The real API server over the real registry: its app for `app.request()`, and, if asked for, behind TLS on a free port with kubeconfigs for real clients.
import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { Hono } from "hono";
import { kinds } from "../../shared/api/kinds/mod.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { type Clock, seeded, systemClock } from "../../shared/util/clock.ts";
import { type Log, silentLog } from "../../shared/util/log.ts";
import { AccountTokens } from "../../master/identity/accounts.ts";
import { createIdentity, type Identity } from "../../master/identity/identity.ts";
import { type AppDependencies, createApp } from "../../master/http/app.ts";
import { authenticatedUser, createAuthenticator } from "../../master/http/auth.ts";
import type { Env } from "../../master/http/context.ts";
import { type Authorizer, createAuthorizer } from "../../master/rbac/authorizer.ts";
import { prepareRoles } from "../../master/rbac/bootstrap.ts";
import { createRoles } from "../../master/rbac/roles.ts";
import type { User } from "../../master/rbac/user.ts";
import { type Cache, startCache } from "../../master/registry/cache.ts";
import { KindSet } from "../../master/registry/kind_set.ts";
import { type HttpServer, startServer } from "../../master/http/server.ts";
import type { Streams } from "../../master/http/stream.ts";
import { Authority, type KeyPair } from "../../master/pki/authority.ts";
import { kubeconfig } from "../../master/pki/pki.ts";
import { TokenKeys } from "../../master/pki/token_keys.ts";
import { unauthorized } from "../../master/http/errors.ts";
import type { Registry } from "../../master/registry/registry.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "./registry.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

export interface ApiContext {
  readonly app: Hono<Env>;
  readonly registry: Registry;
  /** Forgets all history. */
  compact(): Promise<void>;
  close(): Promise<void>;
}
/** Requests are admin's, unless they say otherwise with `x-user: NAME` and `x-groups: A,B`. */
export async function openApi(options: Partial<AppDependencies> = {}, opened?: RegistryContext): Promise<ApiContext> {
  opened ??= await openRegistry();
  const stopping = new AbortController();
  const { authorizer, identity, cache } = await partsOver(opened, stopping.signal);
  const app = createApp({
    authorizer,
    identity,
    registry: opened.registry,
    kinds: cache.kinds,
    clock: systemClock,
    random: seeded(1),
    log: silentLog,
    authenticator: async ({ authorization }) => {
      if (!authorization) return admin;
      const user = await identity.user(authorization.replace(/^Bearer /, ""));
      if (!user) throw unauthorized();
      return authorization.startsWith("{") ? user : authenticatedUser(user);
    },
    streams: noStreams,
    stopping: stopping.signal,
    ...options,
  });
  return {
    app,
    registry: opened.registry,
    compact: () => opened.store.compact(opened.registry.revision()),
    close: async () => {
      stopping.abort();
      await cache.stopped;
      await closeRegistry(opened);
    },
  };
}
export const admin: User = { name: "admin", groups: ["system:masters", "system:authenticated"] };
export const noStreams: Streams = {
  logs: () => Promise.reject(new Error("no node to read from")),
  process: () => Promise.reject(new Error("no node to run it on")),
  connect: () => Promise.reject(new Error("no node to connect to")),
  mustReach: () => {
    throw new Error("no node to reach");
  },
};

const madeUp = async (token: string): Promise<User | undefined> => token.startsWith("{") ? JSON.parse(token) as User : undefined;

/** The real ones, over the default roles. Whose `others` are is said by them. */
async function partsOver(
  { registry, store }: Pick<RegistryContext, "registry" | "store">,
  signal: AbortSignal,
  others: (token: string) => Promise<User | undefined> = madeUp,
): Promise<{ authorizer: Authorizer; identity: Identity; cache: Cache & { readonly stopped: Promise<void> } }> {
  const cache = await startCache({ store, kinds, log: silentLog }, signal);
  await prepareRoles({ registry, log: silentLog });
  await cache.waitFor(registry.revision(), signal);
  const now = () => Math.max(systemClock.now(), store.status().time);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = new TokenKeys(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const identity = createIdentity(new AccountTokens(keys, { cache, registry, now }), [others], now);
  return { authorizer: createAuthorizer(createRoles(cache), cache), identity, cache };
}

/** Sends a request and reads the answer as JSON. */
export async function ask(
  { app }: Pick<ApiContext, "app">,
  method: string,
  path: string,
  { body, headers = {}, as }: { body?: unknown; headers?: Record<string, string>; as?: User } = {},
  // deno-lint-ignore no-explicit-any
): Promise<{ status: number; body: any; headers: Headers }> {
  const response = await app.request(path, {
    method,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(as && { authorization: JSON.stringify(as) }),
      ...headers,
    },
    ...(body !== undefined && { body: body instanceof Uint8Array || typeof body === "string" ? body as string : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text !== "" && /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : text,
  };
}

export interface ServedApi extends ApiContext {
  readonly server: HttpServer;
  readonly url: string;
  readonly authority: Authority;
  readonly admin: KeyPair;
  /** A directory for kubeconfig, caches and manifests; gone with the server. */
  readonly directory: string;
  readonly kubeconfig: string;
}
export async function serveApi(
  { log = silentLog, clock = systemClock, streams = noStreams, registry, kinds: served, tokens = {} }: {
    log?: Log;
    clock?: Clock;
    streams?: Streams;
    registry?: Registry;
    kinds?: readonly Kind[];
    tokens?: Readonly<Record<string, User>>;
  } = {},
): Promise<ServedApi> {
  const opened = await openRegistry(), stopping = new AbortController();
  const { authority } = await Authority.create("test-ca");
  const known = (token: string) => Promise.resolve(Object.hasOwn(tokens, token) ? tokens[token] : undefined);
  const { authorizer, identity, cache } = await partsOver(opened, stopping.signal, known);
  const [pair, adminPair] = await Promise.all([
    authority.issueServer(["127.0.0.1", "localhost"]),
    authority.issueClient({ commonName: "admin", organizations: ["system:masters"], uris: [] }),
  ]);
  const app = createApp({
    authorizer,
    identity,
    registry: registry ?? opened.registry,
    kinds: served ? new KindSet(served) : cache.kinds,
    clock,
    random: seeded(1),
    log,
    authenticator: createAuthenticator({
      clock,
      verify: (raw) => authority.verify(raw),
      tokens: (token) => identity.user(token),
    }),
    streams,
    stopping: stopping.signal,
  });
  const server = await startServer({ app, clock, log }, {
    certificate: pair.certificate,
    key: pair.key,
    clientCas: [authority.certificate],
  }, [
    { host: "127.0.0.1", port: 0 },
  ]);
  const url = `https://127.0.0.1:${server.addresses[0]!.port}`;
  const directory = testDirectory("api"), config = `${directory}/kubeconfig`;
  await writeFile(config, kubeconfig(url, authority.certificate, adminPair), { mode: 0o600 });
  return {
    app,
    registry: registry ?? opened.registry,
    server,
    url,
    authority,
    admin: adminPair,
    directory,
    kubeconfig: config,
    compact: () => opened.store.compact(opened.registry.revision()),
    close: async () => {
      stopping.abort();
      await server.stop();
      await cache.stopped;
      await closeRegistry(opened);
      removeTestDirectory(directory);
    },
  };
}
