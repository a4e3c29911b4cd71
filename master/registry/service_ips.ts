// Cluster IPs and node ports. A claim is a key beside the Service, written and deleted in the Service's own transaction: /a/ip/<address> and /a/port/<number>,
// with the Service's uid and name as value. So no two Services ever have the same address, whichever masters they were created on, nothing is lost in a
// crash between two writes, and there is no table to rebuild at a restart.
import { Buffer } from "node:buffer";
import { invalid, type Kind, qualified } from "../../shared/api/resource.ts";
import { type Service, services, type ServiceSpec } from "../../shared/api/kinds/service.ts";
import { needsClusterIP, needsHealthCheckNodePort, needsNodePort, nodePorts } from "../../shared/api/kinds/service_rules.ts";
import { invalidObject } from "../../shared/api/status.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { Operation, Store } from "../store/store.ts";
import { type Claim, noClaim } from "./claim.ts";
import { decode, prefixOf } from "./codec.ts";

const ipPrefix = "/a/ip/", portPrefix = "/a/port/";
/** Random guesses before the free ones are counted out: enough while half of them are free. */
const guesses = 16;

export interface ServiceConfig {
  /** IPv4 network of cluster IPs. */
  readonly serviceSubnet: string;
}
export const defaultServiceConfig: ServiceConfig = { serviceSubnet: "10.202.0.0/16" };

export const isService = (kind: Kind): boolean => qualified(kind) === "services";

interface NodePort {
  readonly field: string;
  get(): number | undefined;
  set(number: number): void;
}
interface Claiming {
  /** Keys that the Service has already. */
  readonly held: readonly string[];
  readonly wanted: ReadonlyMap<string, Operation>;
  readonly want: (key: string) => void;
  readonly read: { readonly serializable: boolean };
}
interface Pool {
  readonly prefix: string;
  readonly size: number;
  /** Offset below which nothing is given out unasked: kept for people who choose for themselves (KEP-3070). */
  readonly band: number;
  readonly text: (offset: number) => string;
}

export class ServiceIps {
  readonly #store: Store;
  readonly #random: Random;
  readonly #config: ServiceConfig;
  readonly #ips: Pool;
  readonly #ports: Pool;

  constructor(store: Store, random: Random, config: ServiceConfig = defaultServiceConfig) {
    const { base, size } = parseSubnet(config.serviceSubnet);
    const ports = nodePorts.last - nodePorts.first + 1;
    this.#store = store;
    this.#random = random;
    this.#config = config;
    // Neither the network's own address nor its broadcast.
    this.#ips = { prefix: ipPrefix, size: size - 2, band: band(size, 256), text: (offset) => ipv4(base + 1 + offset) };
    this.#ports = { prefix: portPrefix, size: ports, band: band(ports, 128), text: (offset) => String(nodePorts.first + offset) };
  }

  /**
   * Completes `object` with the addresses it needs (it is changed) and says how to claim them, and how to return those it no longer needs.
   * If the transaction then fails, somebody was faster: plan again, with `fresh` reads.
   * @throws ApiError Invalid when an address that is asked for cannot be had
   */
  async plan(object: Service, old: Service | undefined, fresh: boolean): Promise<Claim> {
    const spec: ServiceSpec = object.spec ??= {}, read = { serializable: !fresh };
    const held = old ? claimed(old) : [];
    const value = Buffer.from(`${object.metadata!.uid} ${object.metadata!.namespace}/${object.metadata!.name}`);
    const wanted = new Map<string, Operation>();
    const want = (key: string) => wanted.set(key, { do: "put", key, value });

    if (needsClusterIP(spec)) await this.#claimAddress(object, spec, { held, want, wanted, read });
    const ports: NodePort[] = (needsNodePort(spec) ? spec.ports ?? [] : []).map((port, index) => ({
      field: `spec.ports[${index}].nodePort`,
      get: () => port.nodePort,
      set: (number) => port.nodePort = number,
    }));
    if (needsHealthCheckNodePort(spec)) {
      ports.push({
        field: "spec.healthCheckNodePort",
        get: () => spec.healthCheckNodePort,
        set: (number) => spec.healthCheckNodePort = number,
      });
    }
    for (const { field, get } of ports) {
      const number = get(), key = portPrefix + number;
      if (!number) continue;
      if (!held.includes(key) && !wanted.has(key)) await this.#checkPort(object, field, number, read);
      want(key); // twice in one Service is one claim: a port of TCP and one of UDP may share the number
    }
    for (const { field, get, set } of ports) {
      if (get()) continue;
      const free = await this.#free(this.#ports, wanted, read);
      if (free === undefined) raise(object, field, 0, "failed to allocate a nodePort: range is full");
      set(Number(free));
      want(portPrefix + free);
    }
    const taken = [...wanted].filter(([key]) => !held.includes(key));
    return {
      compares: taken.map(([key]) => ({ key, target: "modRevision", is: 0 })),
      then: [...taken.map(([, put]) => put), ...held.filter((key) => !wanted.has(key)).map((key): Operation => ({ do: "delete", key }))],
    };
  }

  async #claimAddress(object: Service, spec: ServiceSpec, { held, want, wanted, read }: Claiming): Promise<void> {
    if (spec.ipFamilyPolicy === "RequireDualStack" || (spec.clusterIPs ?? []).length > 1) {
      raise(object, "spec.ipFamilyPolicy", spec.ipFamilyPolicy ?? "", "this cluster is not configured for dual-stack services");
    }
    if (!spec.clusterIP) {
      const free = await this.#free(this.#ips, wanted, read);
      if (free === undefined) raise(object, "spec.clusterIPs", [], "failed to allocate a serviceIP: range is full");
      spec.clusterIP = free;
      want(ipPrefix + free);
    } else if (spec.clusterIP !== "None") {
      const key = ipPrefix + spec.clusterIP;
      if (!held.includes(key)) await this.#checkIp(object, spec.clusterIP, read);
      want(key);
    }
    spec.clusterIPs = [spec.clusterIP];
  }
  async #checkIp(service: Service, ip: string, read: { serializable: boolean }): Promise<void> {
    const refuse = (why: string) => raise(service, "spec.clusterIPs", [ip], `failed to allocate IP ${ip}: ${why}`);
    const { base } = parseSubnet(this.#config.serviceSubnet), offset = number(ip) - base - 1;
    if (!(offset >= 0 && offset < this.#ips.size)) {
      refuse(`the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${this.#config.serviceSubnet}`);
    }
    if ((await this.#store.get(ipPrefix + ip, read)).item) refuse("provided IP is already allocated");
  }
  async #checkPort(service: Service, field: string, port: number, read: { serializable: boolean }): Promise<void> {
    if ((await this.#store.get(portPrefix + port, read)).item) raise(service, field, port, "provided port is already allocated");
  }
  /** A free one outside the band if there is any: by guessing, and when most are taken by counting out. */
  async #free(pool: Pool, wanted: ReadonlyMap<string, unknown>, read: { serializable: boolean }): Promise<string | undefined> {
    const above = pool.size - pool.band;
    for (let guess = 0; guess < guesses; guess++) {
      const text = pool.text(pool.band + Math.floor(this.#random() * above)), key = pool.prefix + text;
      if (!wanted.has(key) && !(await this.#store.get(key, read)).item) return text;
    }
    const taken = new Set((await this.#store.list(pool.prefix, read)).items.map(({ key }) => key));
    const start = Math.floor(this.#random() * above);
    for (let step = 0; step < pool.size; step++) {
      const offset = step < above ? pool.band + (start + step) % above : step - above;
      const text = pool.text(offset), key = pool.prefix + text;
      if (!wanted.has(key) && !taken.has(key)) return text;
    }
    return undefined;
  }
}

/** Returns everything the Service holds. */
export const release = (service: Service): Claim => {
  const held = claimed(service);
  return held.length === 0 ? noClaim : { compares: [], then: held.map((key) => ({ do: "delete", key })) };
};

/** Keys that this Service holds. */
function claimed({ spec }: Service): string[] {
  if (!spec) return [];
  const ip = needsClusterIP(spec) && spec.clusterIP && spec.clusterIP !== "None" ? [ipPrefix + spec.clusterIP] : [];
  const ports = [spec.healthCheckNodePort, ...(spec.ports ?? []).map((port) => port.nodePort)].filter(Boolean);
  return [...ip, ...new Set(ports.map((port) => portPrefix + port))];
}

/**
 * Puts right what an older version, a restored backup or a hand in the store has left: claims without a Service go, Services without a claim get theirs.
 * Everything is read at one revision and written by comparison, so it may run while others write. Returns what it did.
 */
export async function repairClaims(store: Store, log: Log): Promise<{ added: number; removed: number }> {
  const { items, revision } = await store.list(prefixOf(services));
  const owners = new Map<string, { uid: string; value: Uint8Array }>();
  for (const item of items) {
    const { uid, namespace, name, object } = decode(services, item);
    for (const key of claimed(object)) {
      const first = owners.get(key);
      if (first) {
        log.error("Two Services have the same address", {
          key,
          service: `${namespace}/${name}`,
          other: Buffer.from(first.value).toString(),
        });
      } else owners.set(key, { uid, value: Buffer.from(`${uid} ${namespace}/${name}`) });
    }
  }
  let added = 0, removed = 0;
  for (const prefix of [ipPrefix, portPrefix]) {
    for (const { key, value, modRevision } of (await store.list(prefix, { revision })).items) {
      if (owners.get(key)?.uid === Buffer.from(value).toString().split(" ", 1)[0]) owners.delete(key);
      else if (
        (await store.txn({ compares: [{ key, target: "modRevision", is: modRevision }], then: [{ do: "delete", key }] })).succeeded
      ) removed++;
    }
  }
  for (const [key, { value }] of owners) {
    if ((await store.txn({ compares: [{ key, target: "modRevision", is: 0 }], then: [{ do: "put", key, value }] })).succeeded) added++;
  }
  if (added + removed > 0) log.warn("Claims of Services repaired", { added, removed });
  return { added, removed };
}

function raise(service: Service, field: string, value: unknown, why: string): never {
  throw invalidObject({ kind: "Service", plural: "services", group: "" }, service.metadata?.name ?? "", [invalid(field, value, why)]);
}
const band = (size: number, most: number): number => size < 32 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), most);
const number = (ip: string): number =>
  /^(\d{1,3}\.){3}\d{1,3}$/.test(ip) ? ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) : NaN;
const ipv4 = (n: number): string => [24, 16, 8, 0].map((bits) => Math.floor(n / 2 ** bits) % 256).join(".");
function parseSubnet(subnet: string): { base: number; size: number } {
  const [ip = "", bits = ""] = subnet.split("/"), size = 2 ** (32 - Number(bits)), base = number(ip);
  if (!(Number(bits) >= 8 && Number(bits) <= 30) || Number.isNaN(base) || base % size !== 0) {
    throw new Error(
      `Cannot use ${subnet} as service subnet: give the first address of an IPv4 network with a prefix of 8 to 30 bits, such as 10.202.0.0/16`,
    );
  }
  return { base, size };
}
