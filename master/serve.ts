// Builds a master and runs it: store → registry and cache → fleet → broker → http → leader's group; stopped in reverse. Wiring alone, no decisions.
import { hostname } from "node:os";
import { mkdir } from "node:fs/promises";
import { kinds } from "../shared/api/kinds/mod.ts";
import { nodeMetrics, podMetrics } from "../shared/api/kinds/metrics.ts";
import { nodeLinks } from "../shared/api/kinds/node_link.ts";
import type { Kind } from "../shared/api/resource.ts";
import { keptRevisions } from "../shared/limits.ts";
import { keepAtomic } from "../shared/platform/files.ts";
import type { Clock, Random } from "../shared/util/clock.ts";
import type { Log } from "../shared/util/log.ts";
import { aborted } from "../shared/util/signal.ts";
import { startBroker } from "./broker/broker.ts";
import { mqttUpgrade } from "./broker/websocket.ts";
import { advertised, type MasterConfig, reachableAt } from "./config.ts";
import { mustBelong, openShared } from "./etcd.ts";
import { createFleet } from "./fleet/fleet.ts";
import type { Peers } from "./fleet/peers.ts";
import { createMetrics, createQueueMetrics, measureParts } from "./metrics.ts";
import { keepAddress, keepReplacing, openOwn, type OwnStore, readAdmission, storeIn } from "./cluster.ts";
import { createApp } from "./http/app.ts";
import { askMaster, asLeader, nodeRoutes } from "./http/between.ts";
import { openAudit } from "./http/audit/open.ts";
import { createAuthenticator } from "./http/auth.ts";
import { Fairness } from "./http/fairness/fairness.ts";
import { noMemberRoutes, noSnapshotRoutes } from "./http/in_etcd.ts";
import { memberRoutes } from "./http/members.ts";
import { RequestMetrics } from "./http/request_metrics.ts";
import { passOnWith } from "./http/pass_on.ts";
import type { Memory } from "./http/sources.ts";
import { startServer } from "./http/server.ts";
import { snapshotPath } from "./http/request.ts";
import { snapshotRoutes } from "./http/snapshot.ts";
import { runLeaderGroup } from "./leader.ts";
import { AccountTokens } from "./identity/accounts.ts";
import { createBootstrapTokens } from "./identity/bootstrap_tokens.ts";
import { createIdentity } from "./identity/identity.ts";
import { kubeconfig, openPki } from "./pki/pki.ts";
import { TokenKeys } from "./pki/token_keys.ts";
import { createAuthorizer } from "./rbac/authorizer.ts";
import { prepareRoles } from "./rbac/bootstrap.ts";
import { createRoles } from "./rbac/roles.ts";
import { prepareCluster } from "./registry/bootstrap.ts";
import { startCache } from "./registry/cache.ts";
import { named } from "./registry/named.ts";
import { createRegistry } from "./registry/registry.ts";
import { settle } from "./store/disaster/place.ts";
import type { OpenedStore } from "./store/face.ts";
import { nodeDirectories } from "./store/files.ts";

export interface Master {
  /** `https://host:port` of the first address. */
  readonly url: string;
  readonly mqttPort: number;
  readonly kubeconfigPath: string;
  /** Resolves when the master has stopped: after the signal, or with an error when it must not go on. */
  readonly stopped: Promise<void>;
}

/** Its own, or shared with others in etcd. */
interface Opened extends Partial<Omit<OwnStore, "peers">> {
  readonly store: OpenedStore;
  readonly peers?: Peers | undefined;
}

export const clusterDomain = "cluster.local";

export async function serve(
  { clock, random, randomBytes, log }: { clock: Clock; random: Random; randomBytes: (count: number) => Uint8Array; log: Log },
  config: MasterConfig,
  signal: AbortSignal,
): Promise<Master> {
  const { dataDir } = config, audit = await openAudit({ clock, log: log.with({ part: "audit" }) }, config);
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw new Error(`Cannot use the data directory ${dataDir}`, { cause });
  });
  await mustBelong(config);
  if (await settle(nodeDirectories, `${dataDir}/raft`)) log.warn("A new life of the cluster was about to begin here, and begins now");
  const admitted = await readAdmission(config);
  const options = { ca: admitted?.ca, mustHaveCa: config.initialCluster.length > 0, store: await storeIn(dataDir) };
  const pki = await openPki(`${dataDir}/pki`, advertised(config), options), { authority } = pki;
  const opened: Opened = config.etcd.length > 0
    ? await openShared({ clock, random, log }, config, authority.hash)
    : await openOwn({ clock, random, log }, config, pki, admitted);
  const { store, members, backup, peers, address } = opened;
  // Two signals: `ending` begins the stop, `ended` lets go of what the stopping parts still lean on.
  const ending = new AbortController(), ended = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  let failure: unknown;
  const fail = (sentence: string) => (error: unknown): void => {
    if (failure === undefined && !ending.signal.aborted) log.error(sentence, { error });
    failure ??= error;
    ending.abort();
  };
  void store.fatal.then(fail("The store cannot go on; this member stops, and is safe to start again"));

  if (members) keepReplacing(members, { clock, log, signal: ending.signal });
  if (address && members) keepAddress(members, address, { clock, log, signal: ending.signal });
  const registry = createRegistry({ store, clock, random, log, kinds }, { serviceSubnet: config.serviceNetwork });
  const cache = await startCache({ store, kinds, log }, ended.signal);
  cache.stopped.catch(fail("The cache cannot go on; this member stops"));

  const host = reachableAt(config);
  const ports = { api: 0, mqtt: 0 }; // known once both listen
  const self = store.status().memberId;
  const credentials = peers && { ca: authority.certificate, ...await authority.issueClient(masterSubject(self)) };
  const now = () => Math.max(clock.now(), store.status().time); // log time: a master without a battery does not fall behind its own log
  const accounts = new AccountTokens(new TokenKeys(pki.ca.key, config.tokenKey), { cache, registry, now });
  const fleet = createFleet({
    registry: named(registry, "kubelet"), // the fleet writes what its devices report

    cache,
    store,
    authority,
    accounts,
    clock,
    random,
    randomBytes,
    log: log.with({ part: "fleet" }),
    ...(peers && credentials && {
      peers,
      elsewhere: async (url, body, signal) =>
        (await askMaster({ clock, credentials }, url, { method: "POST", path: "/skerry/v1/nodes/logs", body }, signal)).body!,
    }),
  }, {
    podNetwork: config.podNetwork,
    serviceNetwork: config.serviceNetwork,
    clusterDomain,
    urls: () => [`mqtts://${bracketed(host)}:${ports.mqtt}`, `https://${bracketed(host)}:${ports.api}`],
    member: hostname(),
  });

  const metrics = createMetrics(), requestMetrics = new RequestMetrics(metrics, cache.kinds);
  const fairness = new Fairness({ clock, refused: (level, why) => requestMetrics.refused(level, why) }, config);
  const identity = createIdentity(accounts, [createBootstrapTokens(cache, now), (token) => fleet.tokens.authenticate(token)], now);
  const app = createApp({
    registry,
    kinds: cache.kinds,
    log: log.with({ part: "http" }),
    clock,
    random,
    authenticator: createAuthenticator({
      clock,
      verify: (raw) => authority.verify(raw),
      tokens: (token) => identity.user(token),
      revoked: (certificate) => fleet.revoked(certificate),
    }),
    authorizer: createAuthorizer(createRoles(cache), cache),
    fairness,
    ...(audit && { auditor: audit.auditor }),
    requestMetrics,
    checks: {
      // Kubernetes' name for whatever keeps the state.
      etcd: () => store.status().leaderId === 0 ? "nobody leads" : undefined,
      "informer-sync": () => registry.revision() - cache.revision > keptRevisions ? "the cache is far behind the store" : undefined,
      shutdown: () => ending.signal.aborted ? "process is shutting down" : undefined,
    },
    countOf: (kind, namespace) => cache.count(kind, namespace),
    streams: fleet.streams,
    passOn: credentials && passOnWith({ clock, credentials }),
    identity,
    stopping: ending.signal,
    memory: new Map<Kind, Memory>([
      [nodeLinks as unknown as Kind, fleet.nodeLinks],
      [nodeMetrics as unknown as Kind, fleet.metrics.nodes],
      [podMetrics as unknown as Kind, fleet.metrics.pods],
    ]),
    open: (router) => void router.route("/", fleet.join),
    metrics: () => metrics.metrics(),
    extras: (router) => {
      router.use(
        "/skerry/v1/members/*",
        asLeader(() => {
          const leader = peers?.leaderId ?? self, url = leader === self ? undefined : fleet.urlOf(leader);
          return url && credentials ? (asked, signal) => askMaster({ clock, credentials }, url, asked, signal) : undefined;
        }),
      );
      router.route("/skerry/v1/members", members ? memberRoutes(members) : noMemberRoutes());
      router.route("/skerry/v1/nodes", nodeRoutes(fleet.ownStreams, ending.signal));
      router.route(snapshotPath, backup ? snapshotRoutes(backup, clock) : noSnapshotRoutes());
    },
  });
  const broker = await startBroker({ fleet: fleet.handlers, clock, log: log.with({ part: "broker" }) }, {
    tls: { key: pki.server.key, cert: pki.server.certificate, ca: authority.certificate },
    listen: config.mqttListen,
  }, ended.signal);
  measureParts(metrics, {
    store,
    cache,
    presence: fleet.presence,
    fairness,
    audit: () => audit?.counts,
    broker,
    diskFull: () => members?.find(members.self)?.diskFull ?? false,
  });
  const server = await startServer({ app, clock, log, upgrade: mqttUpgrade(broker) }, {
    certificate: pki.server.certificate,
    key: pki.server.key,
    clientCas: [authority.certificate],
  }, config.listen);
  ports.mqtt = broker.ports[0]!;
  ports.api = server.addresses[0]!.port;

  const url = `https://${bracketed(host)}:${ports.api}`, kubeconfigPath = `${dataDir}/admin.kubeconfig`;
  await keepAtomic(kubeconfigPath, kubeconfig(url, authority.certificate, pki.admin), 0o600);
  const auditing = audit?.run(ended.signal);
  const running = [
    fleet.run(ended.signal),
    runLeaderGroup(
      { store, registry, cache, presence: fleet.presence, clock, random, log, queues: createQueueMetrics(metrics) },
      {
        podNetwork: config.podNetwork,
        caCertificate: authority.certificate,
        authority,
        accounts,
        apiEndpoints: advertised(config).map((address) => ({ address, port: ports.api })),
      },
      ending.signal,
    ),
  ];
  for (const part of running) part.catch(fail("A part of the master failed; this member stops"));
  // Whoever reads that it serves may create something in `default` the next moment. Without a quorum the leader makes it later.
  const system = named(registry, "kube-apiserver");
  const prepared = prepareCluster({ registry: system, store, log }).then(() => prepareRoles({ registry: system, log })).catch((error) =>
    log.warn("Cannot look after the system's namespaces and roles yet", { error })
  );
  await Promise.race([prepared, aborted(ending.signal)]);
  log.info("The master serves", { url, mqttPort: ports.mqtt, kubeconfig: kubeconfigPath, revision: registry.revision() });

  // It may have been told to stop while it was starting.
  const stopped = aborted(ending.signal).then(async () => {
    signal.removeEventListener("abort", end);
    await server.stop();
    await Promise.allSettled(running.slice(1));
    ended.abort();
    await Promise.allSettled([...running, broker.stopped, cache.stopped, auditing]);
    await store.close();
    await opened.transport?.close();
    if (failure !== undefined) throw failure;
    log.info("The master has stopped");
  });
  return { url, mqttPort: ports.mqtt, kubeconfigPath, stopped };
}

/** As one master is known to the API of another. */
const masterSubject = (member: number) => ({ commonName: `skerry-master-${member}`, organizations: ["system:masters"], uris: [] });
const bracketed = (host: string): string => host.includes(":") ? `[${host}]` : host;
