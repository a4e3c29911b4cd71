import { X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { Authority } from "../../../master/pki/authority.ts";
import { openPki } from "../../../master/pki/pki.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const test = suite("authority", {
  setup: () => ({ directory: testDirectory("pki") }),
});
const raw = (pem: string): Uint8Array => new X509Certificate(pem).raw;

test("verify() believes only what this authority signed", async () => {
  const [{ authority: ours }, { authority: theirs }] = [await Authority.create("skerry-ca"), await Authority.create("skerry-ca")];
  const subject = { commonName: "system:node:pi-7", organizations: ["system:nodes", "b"], uris: ["skerry://c/node/n"] };
  const pair = await ours.issueClient(subject);
  const { commonName, organizations, uris } = ours.verify(raw(pair.certificate))!;
  assert.equal({ commonName, organizations, uris }, subject);
  assert.is(theirs.verify(raw(pair.certificate)), undefined);
  assert.is(ours.verify(new Uint8Array([1, 2, 3])), undefined);
  const changed = Uint8Array.from(raw(pair.certificate));
  changed[changed.length - 60]! ^= 1;
  assert.is(ours.verify(changed), undefined);
});

test("openPki() makes keys once and certificates for new names", async ({ directory }) => {
  const first = await openPki(`${directory}/pki`, ["localhost", "127.0.0.1"]);
  const again = await openPki(`${directory}/pki`, ["127.0.0.1", "localhost"]);
  assert.is(again.authority.hash, first.authority.hash);
  assert.is(again.server.certificate, first.server.certificate);
  const moved = await openPki(`${directory}/pki`, ["localhost", "10.0.0.7"]);
  assert.is(moved.authority.hash, first.authority.hash);
  assert.match(new X509Certificate(moved.server.certificate).subjectAltName!, "10.0.0.7");
  assert.is(new X509Certificate(moved.server.certificate).validTo.includes("9999"), true);
});

test("openPki() names the file it cannot read", async ({ directory }) => {
  await openPki(`${directory}/pki`, ["localhost"]);
  await writeFile(`${directory}/pki/ca.crt`, "nonsense");
  assert.match((await rejects(openPki(`${directory}/pki`, ["localhost"]))).message, `${directory}/pki/ca.crt`);
  assert.is(await readFile(`${directory}/pki/ca.crt`, "utf8"), "nonsense");
});
