// What a master can be told, each with its default and reason on one line.
import { hostname, networkInterfaces } from "node:os";
import * as v from "valibot";
import { type Config, option } from "../shared/util/config.ts";
import { paths } from "../shared/names.ts";
import { endpointForm } from "./store/etcd/endpoint_form.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `:port` (every address of the machine), `[::1]:port`. */
const address = v.pipe(
  v.string(),
  v.regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):\d{1,5}$/, "expected host:port or :port"),
  v.transform((text): Address => {
    const at = text.lastIndexOf(":"), host = text.slice(0, at).replace(/^\[|\]$/g, "");
    return { host: host || "::", port: Number(text.slice(at + 1)) };
  }),
);
const network = v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/, "expected an IPv4 network such as 10.201.0.0/16"));
const wholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/, "expected a whole number"), v.transform(Number));
const positive = v.pipe(wholeNumber, v.minValue(1, "expected a whole number above 0"));
const listen = (port: number): Address[] => [{ host: "::", port }];

export const options = {
  dataDir: option(v.string(), "Directory of keys, log and snapshots", { default: `${paths.data}/master` }),
  listen: option(v.array(address), "Where the API listens, host:port", { multiple: true, default: listen(6443), shown: ":6443" }),
  mqttListen: option(v.array(address), "Where nodes connect by MQTT over TLS, host:port", {
    multiple: true,
    default: listen(8883),
    shown: ":8883",
  }),
  advertise: option(
    v.array(v.string()),
    "Names and addresses under which clients and nodes reach this master; default: all of the machine's",
    {
      multiple: true,
      default: [] as string[],
    },
  ),
  peerListen: option(v.array(address), "Where other masters connect, host:port; without it this master stays alone", {
    multiple: true,
    default: [] as Address[],
    shown: "",
  }),
  peerAdvertise: option(v.string(), "host:port under which other masters reach this one; needed when it began alone", { default: "" }),
  initialCluster: option(
    v.array(
      v.pipe(
        v.string(),
        v.regex(/^[\w.-]+=.+:\d{1,5}$/, "expected name=host:port"),
        v.transform((text) => ({ name: text.slice(0, text.indexOf("=")), address: text.slice(text.indexOf("=") + 1) })),
      ),
    ),
    "Masters of a cluster that begins with several, name=host:port, the same on each; they share pki/ca.crt and pki/ca.key",
    { multiple: true, default: [] as { name: string; address: string }[], shown: "" },
  ),
  name: option(v.string(), "This master's name in --initial-cluster", { default: "" }),
  join: option(v.string(), "The file that `member add` has written for this master", { default: "" }),
  etcd: option(
    v.array(v.pipe(v.string(), v.regex(endpointForm, "expected https://host:port"))),
    "A member of an etcd cluster (3.4 or later) that keeps the state instead of this master; name each of them",
    { multiple: true, default: [] as string[], shown: "" },
  ),
  etcdCa: option(v.string(), "File with the authority of etcd's certificates; default: those that this machine trusts", { default: "" }),
  etcdCert: option(v.string(), "File with the certificate that etcd knows this master by", { default: "" }),
  etcdKey: option(v.string(), "File with the key of --etcd-cert", { default: "" }),
  etcdPrefix: option(
    v.pipe(v.string(), v.regex(/^(\/[\w-]+)+$/, "expected /name or /name/name of letters, digits, - and _")),
    "Where in etcd: each cluster in one etcd has its own",
    { default: "/skerry" },
  ),
  tokenKey: option(
    v.pipe(v.string(), v.regex(/^[1-9]\d{0,5}$/, "expected a whole number from 1 on"), v.transform(Number)),
    "Which of the keys that follow from the authority signs ServiceAccount tokens; the one before and the one after are accepted too. " +
      "To change the key, add 1 on one master after another",
    { default: 1, shown: "1" },
  ),
  podNetwork: option(network, "Addresses of pods; every node gets a /24 of it", { default: "10.201.0.0/16" }),
  serviceNetwork: option(network, "Addresses of Services", { default: "10.202.0.0/16" }),
  maxRequestsInflight: option(
    wholeNumber,
    "API requests that run at a time; above that, users take turns, and one user has at most half of it; 0: no bound, and no turns",
    { default: 64 },
  ),
  userRequestsPerSecond: option(
    wholeNumber,
    "API requests a second of one user, twice as many at once; system:masters has no such bound; 0: nobody has",
    { default: 500 },
  ),
  userWatches: option(wholeNumber, "Watches, followed logs and commands of one user at a time", { default: 1000 }),
  userConnections: option(wholeNumber, "Connections of one user to the API", { default: 2000 }),
  auditLog: option(
    v.string(),
    "File for who did what, when and with which outcome, as audit.k8s.io/v1 lines, or - for standard output; default: nowhere, as every line wears a card",
    { default: "" },
  ),
  auditPolicy: option(
    v.string(),
    "File with an audit.k8s.io/v1 Policy; default: metadata of writes, of all about Secrets, and of commands in pods",
    {
      default: "",
    },
  ),
  auditLogMaxsize: option(positive, "MiB of --audit-log until it is exchanged for a new file", { default: 10 }),
  auditLogMaxbackup: option(wholeNumber, "Full files kept beside --audit-log", { default: 4 }),
  logLevel: option(v.picklist(["debug", "info", "warn", "error"]), "Least important line that is logged: debug, info, warn or error", {
    default: "info" as const,
  }),
  printConfig: option(v.boolean(), "Print the configuration that would be used, and exit", { flag: true, default: false }),
};
export type MasterConfig = Config<typeof options>;

/** What goes into the server's certificate: what was asked for, else every name and address of this machine. */
export function advertised(config: Pick<MasterConfig, "advertise">): readonly string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address)
    .filter((address) => !address.startsWith("fe80:"));
  const names = config.advertise.length > 0 ? config.advertise : [...own, hostname()];
  return [...new Set([...names, "localhost", "127.0.0.1", "::1"])];
}

/** Where nodes and clients are told to look: what was asked for first, else the machine's own address on its network, else nowhere but here. */
export function reachableAt(config: Pick<MasterConfig, "advertise">): string {
  const outside = Object.values(networkInterfaces()).flatMap((list) => list ?? []).find(({ internal, family }) =>
    !internal && family === "IPv4"
  );
  return config.advertise[0] ?? outside?.address ?? "127.0.0.1";
}
