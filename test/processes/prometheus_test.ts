// Debian's Prometheus as its users set it up: with a ServiceAccount's token it scrapes the master. Debian builds it without Kubernetes' service discovery, so the
// requests of that are sent here: lists and watches of every role, with the same token.
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import { isThere } from "../../shared/platform/debian.ts";
import { apiClient } from "../kit/api_client.ts";
import { createToken } from "../kit/cluster_process.ts";
import { emulatedDevices, emulatedWeb } from "../kit/emulated_devices.ts";
import { eventually } from "../kit/eventually.ts";
import { freePort } from "../kit/free_port.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { type MasterProcess, withMaster } from "../kit/master_process.ts";
import { Program } from "../kit/program.ts";
import { suite } from "../kit/suite.ts";

const missing = kubectls().length === 0 ? "no kubectl" : isThere("prometheus") ? undefined : "no prometheus (Debian: prometheus)";
const test = suite("Prometheus", { timeoutMs: 180_000, skip: missing });

/** What Prometheus' own documentation gives it. */
const account = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: prometheus}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: prometheus}
rules:
- {apiGroups: [""], resources: [nodes, nodes/metrics, services, endpoints, pods], verbs: [get, list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}
- {apiGroups: [networking.k8s.io], resources: [ingresses], verbs: [get, list, watch]}
- {nonResourceURLs: [/metrics], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: prometheus}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: prometheus}
subjects: [{kind: ServiceAccount, name: prometheus, namespace: default}]
`;
const settings = (directory: string, port: number): string => `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: apiservers
  scheme: https
  static_configs: [{targets: ["127.0.0.1:${port}"]}]
  tls_config: {ca_file: ${directory}/ca.crt}
  authorization: {credentials_file: ${directory}/token}
`;
const value = async (port: number, query: string): Promise<number> => {
  const { data } = await (await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)).json();
  return Number(data.result[0]?.value[1]);
};

test("scrapes the master with a ServiceAccount's token, and sees what happens there", () =>
  withMaster(async (master) => {
    const k = kubectl(kubectls().at(-1)!.path, master), prometheus = new Program("prometheus");
    try {
      await k.ok("apply -f -", { input: account });
      const port = await start(prometheus, master, await k.ok("create token prometheus"));
      await eventually("the master is scraped", async () => await value(port, "up") === 1);
      for (let index = 0; index < 3; index++) await k.ok("get pods -A");
      const lists = 'sum(apiserver_request_total{verb="LIST",resource="pods",code="200"})';
      await eventually("requests are counted", async () => await value(port, lists) >= 3);
      const slow = 'histogram_quantile(0.99, sum by (le) (apiserver_request_duration_seconds_bucket{resource="pods"}))';
      assert.ok(await value(port, slow) > 0);
      assert.is(await value(port, "skerry_store_is_leader"), 1);
      const watch = k.follow("get pods -A -w");
      const watches = 'sum(apiserver_longrunning_requests{verb="WATCH",resource="pods"})';
      await eventually("a watch is counted", async () => await value(port, watches) === 1);
      await watch.stop();
      await eventually("and not when it is over", async () => await value(port, watches) === 0);
    } finally {
      await prometheus.kill();
    }
  }));

/** How client-go's reflectors ask, of which Prometheus' discovery is made: Debian's own package is built without that. */
const typed = { accept: "application/vnd.kubernetes.protobuf, */*" };
const places: Readonly<Record<string, string>> = {
  node: "/api/v1/nodes",
  pod: "/api/v1/pods",
  service: "/api/v1/services",
  endpoints: "/api/v1/endpoints",
  endpointslice: "/apis/discovery.k8s.io/v1/endpointslices",
  ingress: "/apis/networking.k8s.io/v1/ingresses",
};

test("what discovery of every role asks for is there, and what comes and goes is told", () =>
  withMaster(async (master) => {
    const k = kubectl(kubectls().at(-1)!.path, master), stop = new AbortController(), told = new Map<string, string[]>();
    await k.ok("apply -f -", { input: account });
    const token = (await k.ok("create token prometheus")).trim(), headers = { ...typed, authorization: `Bearer ${token}` };
    const { cert: _, key: __, ...nobody } = master.client;
    const client = apiClient({ ...nobody, cert: "", key: "" }), watching: Promise<void>[] = [];
    const devices = emulatedDevices({ master: master.client.url, token: await createToken(master), count: 2 });
    try {
      for (const [role, path] of Object.entries(places)) {
        const { status, body } = await client.ask("GET", `${path}?limit=500&resourceVersion=0`, { headers });
        assert.is(status, 200, `${role}: ${JSON.stringify(body)}`);
        const names: string[] = [];
        told.set(role, names);
        const query = `allowWatchBookmarks=true&resourceVersion=${body.metadata.resourceVersion}&timeout=8m&timeoutSeconds=480&watch=true`;
        watching.push((async () => {
          for await (const { type, object } of client.watch(`${path}?${query}`, stop.signal, headers)) {
            names.push(`${type} ${object.metadata.name}`);
          }
        })());
      }
      const heard = (role: string, pattern: RegExp, count = 1) =>
        eventually(`${role}: ${count} of ${pattern}`, () => told.get(role)!.filter((one) => pattern.test(one)).length >= count, {
          withinMs: 60_000,
        });
      await k.ok("apply -f -", { input: JSON.stringify(emulatedWeb(2)) });
      await heard("node", /^ADDED emu-/, 2);
      await heard("pod", /^ADDED web-/, 2);
      await k.ok("expose deployment web --port=80");
      await heard("service", /^ADDED web$/);
      await heard("endpoints", /^(ADDED|MODIFIED) web$/);
      await heard("endpointslice", /^(ADDED|MODIFIED) web-/);
      await k.ok("create ingress web --rule=example.com/=web:80");
      await heard("ingress", /^ADDED web$/);
      await k.ok("scale deployment/web --replicas=1");
      await heard("pod", /^DELETED web-/);
      await k.ok("delete service,ingress web");
      for (const role of ["service", "ingress", "endpoints"]) await heard(role, /^DELETED web$/);
    } finally {
      stop.abort();
      await Promise.allSettled(watching);
      client.close();
      await devices.stop();
    }
  }));

async function start(prometheus: Program, { directory, client, port: masterPort }: MasterProcess, token: string): Promise<number> {
  await writeFile(`${directory}/ca.crt`, client.ca);
  await writeFile(`${directory}/token`, token.trim(), { mode: 0o600 });
  await writeFile(`${directory}/prometheus.yml`, settings(directory, masterPort));
  const port = await freePort();
  await prometheus.launch({
    program: "prometheus",
    args: [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/prometheus`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    cwd: directory,
    env: process.env,
    ready: (printed) => printed.includes("Server is ready to receive web requests"),
  });
  return port;
}

test("/metrics is in the form that promtool checks, and only for who may read it", () =>
  withMaster(async (master) => {
    const k = kubectl(kubectls().at(-1)!.path, master), file = `${master.directory}/metrics`;
    await k.ok("get pods -A");
    await writeFile(file, await k.ok("get --raw /metrics"));
    const text = await readFile(file, "utf8");
    for (const name of ["skerry_store_revision", "workqueue_depth", "process_resident_memory_bytes", "kubernetes_build_info"]) {
      assert.match(text, new RegExp(`^${name}[ {]`, "m"));
    }
    assert.match(text, /^apiserver_storage_objects\{resource="namespaces"\} 4$/m);
    // "lint" findings about names that are Kubernetes' own end with 3; what cannot be parsed, with 1.
    try {
      execFileSync("promtool", ["check", "metrics"], { input: text, stdio: ["pipe", "pipe", "pipe"] });
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: Uint8Array };
      assert.is(status, 3, new TextDecoder().decode(stderr));
    }
    const { code, err } = await k.run("get --raw /metrics --as=nobody");
    assert.is(code, 1);
    assert.match(err, 'User "nobody" cannot get path "/metrics"');
    assert.match(
      await k.ok("get --raw /readyz?verbose"),
      /^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd ok\n\[\+\]informer-sync ok\n\[\+\]shutdown ok\nreadyz check passed\n$/,
    );
  }));
