import process from "node:process";
import { lstat, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { plainMounter } from "../../../agent/volumes/mounter.ts";
import { project } from "../../../agent/volumes/projection.ts";
import { Missing, type PodFacts, type Sources } from "../../../agent/volumes/sources.ts";
import { Volumes } from "../../../agent/volumes/volumes.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import type { VolumeMount } from "../../../shared/api/kinds/pod/container.ts";
import type { Volume } from "../../../shared/api/kinds/pod/volume.ts";
import { podTokenUid } from "../../../shared/wire/pod_token.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
class Made implements Sources {
  readonly maps = new Map<string, Map<string, Uint8Array>>();
  readonly secrets = new Map<string, Map<string, Uint8Array>>();
  configMap = (_: string, name: string) => this.maps.get(name);
  secret = (_: string, name: string) => this.secrets.get(name);
  set(name: string, data: Record<string, string>): void {
    this.maps.set(name, new Map(Object.entries(data).map(([key, text]) => [key, bytes(text)])));
  }
}
const place = {
  nodeName: "n1",
  hostIP: "192.0.2.1",
  podIP: "10.0.0.2",
  allocatable: { cpu: "4", memory: "1Gi", "ephemeral-storage": "8Gi" },
};

const setup = async () => {
  const directory = testDirectory("volumes"), sources = new Made();
  const volumes = new Volumes(plainMounter, { dataDir: `${directory}/data`, runDir: `${directory}/run` });
  const pod = (all: Volume[], spec: Partial<PodSpec> = {}): PodFacts => ({
    uid: "u1",
    name: "web",
    namespace: "default",
    labels: { app: "web", tier: "front" },
    annotations: { note: 'a "quoted" word' },
    spec: { containers: [{ name: "main", resources: { limits: { memory: "64Mi" } } }], volumes: all, ...spec } as PodSpec,
  });
  const prepare = (of: PodFacts, ...mounts: VolumeMount[]) => volumes.prepare(of, place, sources, mounts);
  return { directory, sources, volumes, pod, prepare };
};
const options = { setup, teardown: ({ directory }: Awaited<ReturnType<typeof setup>>) => rm(directory, { recursive: true, force: true }) };
const test = suite("Volumes", options);
const asRoot = suite("Volumes of others", { ...options, skip: process.getuid?.() === 0 ? undefined : "not root" });
const read = (path: string): Promise<string> => readFile(path, "utf8");
const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

test("a ConfigMap is a directory of files, read-only, behind ..data", async ({ sources, pod, prepare }) => {
  sources.set("settings", { mode: "dark", size: "7" });
  const [mount] = await prepare(pod([{ name: "config", configMap: { name: "settings" } }]), { name: "config", mountPath: "/etc/web" });
  assert.is(mount!.target, "/etc/web");
  assert.is(mount!.readOnly, true);
  assert.is(await read(`${mount!.source}/mode`), "dark");
  assert.is(await readlink(`${mount!.source}/mode`), "..data/mode");
  assert.ok((await lstat(`${mount!.source}/..data`)).isSymbolicLink());
  assert.is(await mode(`${mount!.source}/mode`), 0o644);
});

test("items choose keys, paths and modes; keys that are missing are an error unless optional", async ({ sources, pod, prepare }) => {
  sources.set("settings", { a: "1", b: "2" });
  const items = [{ key: "a", path: "deep/er/a.txt", mode: 0o400 }];
  const [mount] = await prepare(pod([{ name: "v", configMap: { name: "settings", items, defaultMode: 0o640 } }]), {
    name: "v",
    mountPath: "/v",
  });
  assert.is(await read(`${mount!.source}/deep/er/a.txt`), "1");
  assert.is(await mode(`${mount!.source}/deep/er/a.txt`), 0o400);
  assert.equal((await readdir(mount!.source)).filter((name) => !name.startsWith("..")), ["deep"]);
  const lacking = (optional: boolean) => pod([{ name: "w", configMap: { name: "settings", items: [{ key: "z", path: "z" }], optional } }]);
  assert.match((await rejects(prepare(lacking(false), { name: "w", mountPath: "/w" }))).message, "non-existent key: z");
  const [empty] = await prepare(lacking(true), { name: "w", mountPath: "/w" });
  assert.equal((await readdir(empty!.source)).filter((name) => !name.startsWith("..")), []);
});

test("renew() changes all files at once, removes what is no longer there, and writes nothing when nothing changed", async ({ sources, volumes, pod, prepare }) => {
  sources.set("settings", { a: "1", b: "2" });
  const of = pod([{ name: "v", configMap: { name: "settings" } }]);
  const [mount] = await prepare(of, { name: "v", mountPath: "/v" });
  const before = await readlink(`${mount!.source}/..data`);
  assert.is(await volumes.renew(of, place, sources), false);
  assert.is(await readlink(`${mount!.source}/..data`), before);
  sources.set("settings", { a: "3", c: "4" });
  assert.is(await volumes.renew(of, place, sources), true);
  assert.equal([await read(`${mount!.source}/a`), await read(`${mount!.source}/c`)], ["3", "4"]);
  assert.equal((await readdir(mount!.source)).filter((name) => !name.startsWith("..")), ["a", "c"]);
  sources.maps.clear();
  assert.is(await volumes.renew(of, place, sources), false, "what went missing leaves the files");
  assert.is(await read(`${mount!.source}/a`), "3");
});

test("project() finishes what an agent that died has half written", async ({ directory }) => {
  const files = new Map([["a", { bytes: bytes("1"), mode: 0o644 }]]);
  await project(`${directory}/p`, files);
  const name = await readlink(`${directory}/p/..data`);
  await rm(`${directory}/p/..data`);
  await rm(`${directory}/p/${name}/a`);
  assert.is(await project(`${directory}/p`, files), true);
  assert.is(await read(`${directory}/p/a`), "1");
});

test("a Secret is in the run directory only", async ({ directory, sources, pod, prepare }) => {
  sources.secrets.set("keys", new Map([["token", bytes("s3cret")]]));
  const [mount] = await prepare(pod([{ name: "s", secret: { secretName: "keys", defaultMode: 0o400 } }]), { name: "s", mountPath: "/s" });
  assert.ok(mount!.source.startsWith(`${directory}/run/`), mount!.source);
  assert.is(await mode(`${mount!.source}/token`), 0o400);
  assert.is(
    (await rejects(prepare(pod([{ name: "s", secret: { secretName: "no" } }]), { name: "s", mountPath: "/s" }))).message,
    'secret "no" not found',
  );
});

test("a projected volume puts its sources together; the downward API is text about the pod", async ({ sources, pod, prepare }) => {
  sources.set("settings", { a: "1" });
  sources.secrets.set("keys", new Map([["k", bytes("2")]]));
  const volume: Volume = {
    name: "all",
    projected: {
      sources: [
        { configMap: { name: "settings" } },
        { secret: { name: "keys", items: [{ key: "k", path: "in/k" }] } },
        {
          downwardAPI: {
            items: [
              { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
              { path: "note", fieldRef: { fieldPath: "metadata.annotations['note']" } },
              { path: "memory", resourceFieldRef: { containerName: "main", resource: "limits.memory", divisor: "1Mi" } },
              { path: "cpu", resourceFieldRef: { containerName: "main", resource: "limits.cpu" } },
            ],
          },
        },
      ],
    },
  };
  const [mount] = await prepare(pod([volume]), { name: "all", mountPath: "/all" });
  const text = (name: string) => read(join(mount!.source, name));
  assert.equal(await Promise.all(["a", "in/k", "memory", "cpu"].map(text)), ["1", "2", "64", "4"]);
  assert.is(await text("labels"), 'app="web"\ntier="front"');
  assert.is(await text("note"), 'a "quoted" word');
});

const tokens = (more: object = {}): Volume => ({
  name: "access",
  projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3607, ...more } }] },
});
const access = { name: "access", mountPath: "/access" };

test("a token is written where the pod wants it, and swings over to the next one as one", async ({ sources, volumes, pod, prepare }) => {
  const of = pod([tokens()]), uid = podTokenUid("u1", { expirationSeconds: 3607 });
  assert.match((await rejects(prepare(of, access))).message, /^no token of service account "default" has come for this pod$/);
  sources.secrets.set(uid, new Map([["token", bytes("first")]]));
  sources.secrets.set(podTokenUid("u2", { expirationSeconds: 3607 }), new Map([["token", bytes("somebody else's")]]));
  const [mount] = await prepare(of, access), target = await readlink(`${mount!.source}/..data`);
  assert.is(await read(`${mount!.source}/token`), "first");
  assert.is(await mode(`${mount!.source}/token`), 0o644);
  sources.secrets.set(uid, new Map([["token", bytes("second")]]));
  assert.is(await volumes.renew(of, place, sources), true);
  assert.is(await read(`${mount!.source}/token`), "second");
  assert.is.not(await readlink(`${mount!.source}/..data`), target);
  // Its account is gone: what is there stays, and nothing else comes.
  sources.secrets.delete(uid);
  assert.is(await volumes.renew(of, place, sources), false);
  assert.is(await read(`${mount!.source}/token`), "second");
});

asRoot("a token is its reader's alone where it is said who that is", async ({ sources, pod, prepare }) => {
  sources.secrets.set(podTokenUid("u1", { expirationSeconds: 3607 }), new Map([["token", bytes("t")]]));
  const made = async (spec: Partial<PodSpec>) => {
    const [mount] = await prepare(pod([tokens()], spec), access), { mode, uid, gid } = await stat(`${mount!.source}/token`);
    return [mode & 0o777, uid, gid];
  };
  const container = (runAsUser?: number) => ({ name: "main", ...(runAsUser !== undefined && { securityContext: { runAsUser } }) });
  assert.equal(await made({ containers: [container(1000)] as PodSpec["containers"] }), [0o600, 1000, 0]);
  assert.equal(await made({ securityContext: { runAsUser: 7 } }), [0o600, 7, 0]);
  assert.equal(await made({ containers: [container(1000), container()] as PodSpec["containers"] }), [0o644, 0, 0]);
  assert.equal(await made({ securityContext: { fsGroup: 4711 } }), [0o640, 0, 4711]);
});

test("an emptyDir on disk outlives a boot and ends with the pod; all containers see the same", async ({ directory, volumes, pod, prepare }) => {
  const of = pod([{ name: "data", emptyDir: {} }, { name: "fast", emptyDir: { medium: "Memory" } }]);
  const [data, fast] = await prepare(of, { name: "data", mountPath: "/data" }, { name: "fast", mountPath: "/fast" });
  assert.ok(data!.source.startsWith(`${directory}/data/`) && fast!.source.startsWith(`${directory}/run/`));
  assert.is(await mode(data!.source), 0o777);
  await writeFile(`${data!.source}/kept`, "1");
  await rm(`${directory}/run`, { recursive: true });
  const [again] = await prepare(of, { name: "data", mountPath: "/other" });
  assert.is(await read(`${again!.source}/kept`), "1");
  assert.equal([...await volumes.known()], ["u1"]);
  await volumes.remove("u1");
  assert.equal([...await volumes.known()], []);
});

test("subPath mounts what lies below, and never what lies outside", async ({ directory, sources, pod, prepare }) => {
  sources.set("settings", { "app.conf": "1" });
  const of = pod([{ name: "data", emptyDir: {} }, { name: "config", configMap: { name: "settings" } }]);
  const [made, file] = await prepare(
    of,
    { name: "data", mountPath: "/a", subPath: "web/cache" },
    { name: "config", mountPath: "/etc/app.conf", subPath: "app.conf" },
  );
  assert.ok((await stat(made!.source)).isDirectory());
  assert.is(await read(file!.source), "1");
  const root = made!.source.replace(/web\/cache$/, "");
  await mkdir(`${directory}/outside`);
  await symlink(`${directory}/outside`, `${root}/link`);
  for (const subPath of ["../..", "/etc", "link", "link/deeper", "web/../../x"]) {
    const error = await rejects(prepare(of, { name: "data", mountPath: "/b", subPath }));
    assert.instance(error, Missing);
  }
  assert.equal(await readdir(`${directory}/outside`), []);
});

test("hostPath is what its type says, or an error", async ({ directory, pod, prepare }) => {
  const path = `${directory}/host`;
  const of = (type: string) => pod([{ name: "h", hostPath: { path, type: type as "" } }]);
  const mount = { name: "h", mountPath: "/h" };
  assert.match((await rejects(prepare(of("Directory"), mount))).message, "hostPath type check failed");
  await prepare(of("DirectoryOrCreate"), mount);
  assert.ok((await stat(path)).isDirectory());
  assert.match((await rejects(prepare(of("File"), mount))).message, "is not a file");
  assert.is((await prepare(of(""), mount))[0]!.source, path);
});

asRoot("fsGroup owns what the pod may write and can read what it may read", async ({ sources, pod, prepare }) => {
  sources.set("settings", { a: "1" });
  const of = pod([{ name: "data", emptyDir: {} }, { name: "config", configMap: { name: "settings", defaultMode: 0o400 } }], {
    securityContext: { fsGroup: 4711 },
  });
  const [data, config] = await prepare(of, { name: "data", mountPath: "/a" }, { name: "config", mountPath: "/b" });
  assert.is((await stat(data!.source)).gid, 4711);
  assert.is(await mode(data!.source), 0o2777);
  assert.is((await stat(`${config!.source}/a`)).gid, 4711);
  assert.is(await mode(`${config!.source}/a`), 0o440);
});

test("what a node cannot provide is said", async ({ pod, prepare }) => {
  const nfs = pod([{ name: "n", nfs: { server: "s", path: "/" } }]);
  assert.match((await rejects(prepare(nfs, { name: "n", mountPath: "/n" }))).message, "of a sort (nfs)");
  assert.match((await rejects(prepare(nfs, { name: "x", mountPath: "/n" }))).message, 'volume "x"');
});
