// What an agent can be told, each with its default and reason on one line.
import { hostname } from "node:os";
import * as v from "valibot";
import { links, nft, paths, podmanNetwork } from "../shared/names.ts";
import { type Config, option } from "../shared/util/config.ts";

const master = v.pipe(v.string(), v.regex(/^(https|mqtts):\/\/[^/]+\/?$/, "expected https://host[:port]"));
const label = v.pipe(v.string(), v.regex(/^[^=]+=[^=]*$/, "expected key=value"));
const count = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(Number),
  v.integer("expected a whole number"),
  v.minValue(1, "expected at least 1"),
);
const seconds = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(Number),
  v.integer("expected whole seconds"),
  v.minValue(1),
  v.maxValue(1200, "the broker allows at most 1200"),
);

export const options = {
  master: option(v.array(master), "Where a master answers, https://host[:6443]; needed once, to join", {
    multiple: true,
    default: [] as string[],
  }),
  token: option(v.string(), "Join token, sk1.…; needed once, to join", { secret: true, default: "" }),
  dataDir: option(v.string(), "Directory of identity, state and volumes", { default: `${paths.data}/agent` }),
  runDir: option(v.string(), "Directory of what may go with the power: sockets, secrets", { default: paths.run }),
  nodeName: option(v.string(), "Name wished for; the master makes it unique", { default: hostname().toLowerCase().split(".")[0]! }),
  label: option(v.array(label), "Label of the node, key=value", { multiple: true, default: [] as string[] }),
  runtime: option(v.picklist(["podman", "emulated"]), "Container engine: podman, or emulated (it only pretends)", {
    default: "podman" as const,
  }),
  podmanSocket: option(v.string(), "Podman's socket; default: the machine's, or a service that the agent starts", { default: "" }),
  podmanStore: option(v.string(), "Directory of a Podman store apart from the machine's, for a second agent on one machine", {
    default: "",
  }),
  podmanNetwork: option(v.string(), "Podman network of the pods", { default: podmanNetwork as string }),
  bridge: option(v.pipe(v.string(), v.maxLength(15, "at most 15 characters")), "Bridge of the pods", { default: links.bridge as string }),
  nftTable: option(v.string(), "nftables table of the service routes", { default: nft.table as string }),
  keepalive: option(seconds, "Seconds of MQTT keepalive: less notices a dead link sooner, more costs fewer bytes", { default: 60 }),
  metered: option(v.boolean(), "The link costs money: nothing is sent that was not asked for", { flag: true, default: false }),
  logLevel: option(v.picklist(["debug", "info", "warn", "error"]), "Least important line that is logged: debug, info, warn or error", {
    default: "info" as const,
  }),
  clockOffset: option(
    v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number()),
    "Milliseconds added to the machine's clock, for tests of a board without one",
    { default: 0 },
  ),
  printConfig: option(v.boolean(), "Print the configuration that would be used, and exit", { flag: true, default: false }),
};
export type AgentConfig = Config<typeof options>;

export const emulateOptions = {
  count: option(count, "How many devices", { default: 1 }),
  prefix: option(v.string(), "Beginning of their names", { default: "emu" }),
  master: options.master,
  token: options.token,
  dataDir: option(v.string(), "Directory of their identities and states; default: a temporary one", { default: "" }),
  label: options.label,
  keepalive: options.keepalive,
  faults: option(v.string(), "JSON file of faults: pulls and starts that fail, containers that end", { default: "" }),
  writeLogs: option(v.boolean(), "Their containers keep what they print, for kubectl logs: a thousand of them would fill the disk", {
    flag: true,
    default: false,
  }),
  logLevel: options.logLevel,
};
export type EmulateConfig = Config<typeof emulateOptions>;

export const labelsOf = (label: readonly string[]): Record<string, string> =>
  Object.fromEntries(label.map((text) => text.split("=") as [string, string]));
