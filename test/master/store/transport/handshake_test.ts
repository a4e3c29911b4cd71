import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import * as assert from "uvu/assert";
import { issuePeer } from "../../../../master/pki/peer_certificate.ts";
import { Authority } from "../../../../master/pki/authority.ts";
import { type Frame, FrameReader } from "../../../../master/store/transport/frames.ts";
import {
  decodeAnswer,
  decodeHello,
  encodeHello,
  encodeRefusal,
  encodeWelcome,
  type Hello,
  judgeCalled,
  judgeCaller,
  type MemberName,
  memberNamed,
  memberUri,
  type Refusal,
} from "../../../../master/store/transport/handshake.ts";
import { WireError } from "../../../../master/store/transport/wire.ts";
import { suite } from "../../../kit/suite.ts";
import { clusterA, clusterB, epoch1, epoch2, hello as fromTwo } from "./kit.ts";

const test = suite("handshake");
const of = (bytes: Uint8Array): Frame => {
  const reader = new FrameReader();
  reader.push(bytes);
  return reader.next()!;
};
const hello: Hello = { ...fromTwo, address: "two.example:6444" };
const host = {
  clusterId: clusterA,
  clusterEpoch: epoch1,
  memberId: 1,
  versions: { least: 1, most: 1 },
  isRemoved: (member: number) => member === 9,
};
const judge = (
  said: Partial<Hello>,
  certificate: MemberName | undefined = { clusterId: clusterA, clusterEpoch: epoch1, memberId: said.from ?? 2 },
) => judgeCaller({ ...hello, ...said }, { certificate, at: "10.0.0.2:50123" }, host);
const refused = (verdict: { version: number } | Refusal): Refusal => {
  if ("version" in verdict) throw new Error("it was let in");
  return verdict;
};

test("hello, welcome and refusal say what they were given", () => {
  for (const purpose of ["control", "log", "snapshot"] as const) {
    const said = { ...hello, purpose, from: Number.MAX_SAFE_INTEGER, address: "insel-ä:1" };
    assert.equal(decodeHello(of(encodeHello(said))), said);
  }
  assert.equal(decodeAnswer(of(encodeWelcome(1))), { version: 1 });
  const refusal: Refusal = { reason: "removed", words: "Cannot: it was — removed" };
  assert.equal(decodeAnswer(of(encodeRefusal(refusal))), refusal);
  assert.throws(() => decodeAnswer(of(encodeWelcome(2))), /version 2, which was not offered/);
});

test("a hello that is none is garbage, and never anything worse", () => {
  const bytes = encodeHello(hello);
  for (let at = 5; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const changed = Uint8Array.from(bytes);
      changed[at] = value;
      try {
        decodeHello(of(changed));
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
  }
  const changed = Uint8Array.from(bytes);
  changed[6]! ^= 1;
  assert.throws(() => decodeHello(of(changed)), /it does not begin like a hello/);
});

test("lets members in, in the newest version that both speak", () => {
  assert.equal(judge({}), { version: 1 });
  assert.equal(
    judgeCaller({ ...hello, versions: { least: 2, most: 5 } }, {
      certificate: { clusterId: clusterA, clusterEpoch: epoch1, memberId: 2 },
      at: "x",
    }, {
      ...host,
      versions: { least: 1, most: 3 },
    }),
    {
      version: 3,
    },
  );
  // Thesis §4.1: who lags behind must listen to a leader that its configuration does not name yet.
  assert.equal(judge({ from: 77 }), { version: 1 });
});

test("every refusal names who was refused and where it is, and says what to do", () => {
  const cases: [Refusal, string, RegExp, RegExp][] = [
    [
      refused(judge({ versions: { least: 2, most: 3 } })),
      "version",
      /it speaks versions 2 to 3 .* member 1 speaks version 1/,
      /Upgrade the older/,
    ],
    [refused(judge({ versions: { least: 0, most: 0 } })), "version", /it speaks version 0/, /Upgrade the older/],
    [
      refused(judge({ clusterId: clusterB }, { clusterId: clusterB, clusterEpoch: epoch1, memberId: 2 })),
      "cluster",
      /is of cluster b{32}, and member 1 is of cluster a{32}/,
      /empty its data directory/,
    ],
    [
      refused(judge({ clusterEpoch: epoch2 }, { clusterId: clusterA, clusterEpoch: epoch2, memberId: 2 })),
      "epoch",
      /is of epoch 2{16} of this cluster, and member 1 is of epoch 1{16}/,
      /Stop that one; to use its machine again, empty its data directory/,
    ],
    [refused(judge({}, { clusterId: clusterA, clusterEpoch: epoch2, memberId: 2 })), "certificate", /epoch 2{16}/, /let it join anew/],
    [refused(judge({ from: 9, clusterEpoch: epoch2 })), "epoch", /it is of epoch 2{16}/, /of the life before/],
    [
      refused(judge({}, { clusterId: clusterA, clusterEpoch: epoch1, memberId: 3 })),
      "certificate",
      /its certificate is that of member 3 of cluster a{32}/,
      /Give it back its own/,
    ],
    [refused(judge({}, { clusterId: clusterB, clusterEpoch: epoch1, memberId: 2 })), "certificate", /of cluster b{32}/, /let it join anew/],
    [
      refused(judge({ from: 1 }, { clusterId: clusterA, clusterEpoch: epoch1, memberId: 1 })),
      "double",
      /two masters run with copies of one data directory/,
      /Stop one of them/,
    ],
    [refused(judge({ from: 9 })), "removed", /it was removed from this cluster, and its id never comes back/, /empty its data directory/],
    [refused(judge({ to: 5 })), "addressee", /it wants member 5, and this is member 1/, /Correct the address of member 5/],
  ];
  for (const [{ reason, words }, expected, what, advice] of cases) {
    assert.is(reason, expected);
    assert.match(words, /^Cannot take a connection of member \d at two\.example:6444: /);
    assert.match(words, what);
    assert.match(words, advice);
  }
  const nameless = refused(judgeCaller({ ...hello, address: "" }, { certificate: undefined, at: "10.0.0.2:50123" }, host));
  assert.is(nameless.reason, "certificate");
  assert.match(nameless.words, /member 2 at 10\.0\.0\.2:50123: .*not that of a master/);
});

test("who is called must be who it should be", () => {
  const wanted = { clusterId: clusterA, clusterEpoch: epoch1, memberId: 2 };
  assert.is(judgeCalled(wanted, wanted, "two:6444"), undefined);
  assert.match(
    judgeCalled({ ...wanted, memberId: 3 }, wanted, "two:6444")!.words,
    /Cannot call member 2 at two:6444: member 3 answers there\. Correct the address/,
  );
  assert.match(judgeCalled({ ...wanted, clusterId: clusterB }, wanted, "two:6444")!.words, /member 2 of another cluster \(b{32}\)/);
  const fenced = judgeCalled({ ...wanted, clusterEpoch: epoch2, memberId: 7 }, wanted, "two:6444")!;
  assert.is(fenced.reason, "epoch");
  assert.match(
    fenced.words,
    /Cannot call member 2 at two:6444: member 7 of epoch 2{16} of this cluster answers there, and this is epoch 1{16}\./,
  );
  assert.match(judgeCalled(undefined, wanted, "two:6444")!.words, /no certificate of a master/);
});

test("the certificate of a member names it, and no other certificate does", async () => {
  const { authority, key } = await Authority.create("skerry-ca"),
    name = { clusterId: clusterA, clusterEpoch: epoch1, memberId: Number.MAX_SAFE_INTEGER };
  const pair = await issuePeer({ certificate: authority.certificate, key }, memberUri(name)),
    certificate = new X509Certificate(pair.certificate);
  assert.ok(authority.verify(certificate.raw), "signed by the authority");
  assert.equal(memberNamed(certificate.subjectAltName), name);
  assert.is(certificate.validTo.includes("9999"), true);
  for (
    const text of [
      undefined,
      "",
      "DNS:localhost",
      `URI:skerry://${clusterA}/node/7`,
      `URI:skerry://${clusterA}/epochs/${epoch1}/members/0`,
      `URI:skerry://${clusterA}/epochs/${epoch1}/members/9007199254740992`,
      `URI:skerry://${clusterA}/epochs/${epoch1}/members/7/x`,
      `DNS:URI:skerry://${clusterA}/epochs/${epoch1}/members/7`,
      `URI:skerry://${clusterA.toUpperCase()}/epochs/${epoch1}/members/7`,
      `URI:skerry://${clusterA}/members/7`,
    ]
  ) assert.is(memberNamed(text), undefined, text);
  assert.equal(memberNamed(`DNS:a, URI:skerry://${clusterA}/epochs/${epoch1}/members/7`), {
    clusterId: clusterA,
    clusterEpoch: epoch1,
    memberId: 7,
  });
  assert.ok(Buffer.from(certificate.raw).length > 0);
});
