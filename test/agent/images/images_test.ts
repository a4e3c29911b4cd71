import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { credentials } from "../../../agent/images/credentials.ts";
import { collectOnce } from "../../../agent/images/collector.ts";
import { garbage } from "../../../agent/images/garbage.ts";
import { Images } from "../../../agent/images/images.ts";
import { type ImageInfo, RuntimeError } from "../../../agent/runtime/runtime.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("Images");
const info: ImageInfo = { id: "1", digests: [], user: "", sizeBytes: 1 };
const never = new AbortController().signal;

function images(pull: (reference: string, auth: string | undefined) => Promise<ImageInfo>) {
  const clock = new HandCrankedClock(), pulled: [string, string | undefined][] = [];
  const runtime = {
    image: (reference: string) => Promise.resolve(reference === "there:1" ? info : undefined),
    pull: (reference: string, { auth }: { auth?: string }) => {
      pulled.push([reference, auth]);
      return pull(reference, auth);
    },
  };
  return { clock, pulled, made: new Images({ runtime, clock, random: seeded(1), log: silentLog }) };
}
const denied = () => Promise.reject(new RuntimeError("ImagePull", "denied"));

test("look() finds what is there; lost() forgets it", async () => {
  const { made } = images(denied);
  await made.look(["there:1", "no:1", ""]);
  assert.equal([made.has("there:1"), made.has("no:1")], [true, false]);
  made.lost("there:1");
  assert.is(made.has("there:1"), false);
});

test("a pull that fails is not repeated before 10 s, then 20 s, at most 300 s, each with a little chance; success forgets it", async () => {
  let fails = true;
  const { made, clock } = images(() => fails ? denied() : Promise.resolve(info));
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    await rejects(made.pull("web:1", [], never));
    waits.push(made.notBefore("web:1")! - clock.now());
  }
  for (const [i, least] of [10, 20, 40, 80, 160, 300, 300, 300].entries()) {
    assert.ok(waits[i]! >= least * 1000 && waits[i]! <= least * 1200, `${waits[i]} for ${least} s`);
  }
  clock.setWall(0);
  assert.is(made.notBefore("web:1"), undefined, "a failure in the future is a clock that was set");
  fails = false;
  await made.pull("web:1", [], never);
  assert.is(made.failure("web:1"), undefined);
  assert.ok(made.has("web:1"));
});

test("one pull per image, whoever asks", async () => {
  let release = (_: ImageInfo): void => {};
  const { made, pulled } = images(() => new Promise((resolve) => release = resolve));
  const both = [made.pull("web:1", [], never), made.pull("web:1", [], never)];
  await Promise.resolve();
  release(info);
  assert.equal(await Promise.all(both), [info, info]);
  assert.is(pulled.length, 1);
});

test("credentials are tried in turn, then none", async () => {
  const { made, pulled } = images((_, auth) => auth === undefined ? Promise.resolve(info) : denied());
  await made.pull("web:1", ["one", "two"], never);
  assert.equal(pulled.map(([, auth]) => auth), ["one", "two", undefined]);
});

test("an aborted pull is not held against the image", async () => {
  const stop = new AbortController();
  const { made } = images(() => new Promise((_, reject) => stop.signal.addEventListener("abort", () => reject(stop.signal.reason))));
  const pulling = made.pull("web:1", [], stop.signal);
  await Promise.resolve();
  stop.abort(new Error("no longer wanted"));
  await rejects(pulling);
  assert.is(made.failure("web:1"), undefined);
});

test("credentials() picks by registry and path, the closest first", () => {
  const secret = (auths: Record<string, object>) => new Map([[".dockerconfigjson", Buffer.from(JSON.stringify({ auths }))]]);
  const login = (username: string, password: string) => Buffer.from(JSON.stringify({ username, password })).toString("base64url");
  const of = (image: string, auths: Record<string, object>) => credentials(image, [secret(auths)]);
  const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });
  assert.equal(of("nginx", { "https://index.docker.io/v1/": auth("u:p:q") }), [login("u", "p:q")]);
  assert.equal(
    of("registry.example.com/team/web:1", {
      "registry.example.com": auth("a:1"),
      "registry.example.com/team": auth("b:2"),
      "registry.example.com/other": auth("c:3"),
    }),
    [
      login("b", "2"),
      login("a", "1"),
    ],
  );
  assert.equal(of("eu.example.com/web", { "*.example.com": { username: "x", password: "y" } }), [login("x", "y")]);
  assert.equal(of("deep.eu.example.com/web", { "*.example.com": auth("x:y") }), []);
  assert.equal(of("nginx", { "quay.io": auth("x:y") }), []);
  assert.equal(credentials("nginx", [new Map([[".dockerconfigjson", Buffer.from("{")]])]), []);
});

const image = (name: string, sizeBytes: number, used = false) => ({ id: `id-${name}`, names: [name], sizeBytes, used });
const disk = (freeBytes: number) => ({ bytes: 1000, freeBytes });

test("garbage() removes the largest that nobody needs, until enough is free", () => {
  const images = [
    image("docker.io/library/a:1", 30),
    image("docker.io/library/b:1", 60),
    image("docker.io/library/c:1", 50),
    image("docker.io/library/d:1", 99, true),
  ];
  const names = (free: number, named: string[] = []) => garbage(images, named, disk(free)).map(({ names }) => names[0]!.slice(-3));
  assert.equal(names(160), [], "a disk 84 % full is left alone");
  assert.equal(names(100), ["b:1", "c:1"]);
  assert.equal(names(150), [], "the limit itself");
  assert.equal(names(145), ["b:1"]);
  assert.equal(names(0), ["b:1", "c:1", "a:1"]);
  assert.equal(names(0, ["b:1", "docker.io/library/a:1"]), ["c:1"], "what the sets name stays, however it is spelled");
});

test("garbage() keeps what no registry can give back", () => {
  assert.equal(garbage([image("localhost/mine:1", 500)], [], disk(0)), []);
});

test("collectOnce() removes nothing before there is a set", async () => {
  const { made, clock } = images(denied), removed: string[] = [];
  const on = {
    runtime: {
      images: () => Promise.resolve([image("docker.io/library/a:1", 500)]),
      removeImage: (id: string) => Promise.resolve(void removed.push(id)),
    },
    clock,
    log: silentLog,
    images: made,
    disk: () => Promise.resolve(disk(0)),
  };
  assert.is(await collectOnce({ ...on, named: () => undefined }, never), 0);
  assert.is(await collectOnce({ ...on, named: () => ["b:1"] }, never), 1);
  assert.equal(removed, ["id-docker.io/library/a:1"]);
});
