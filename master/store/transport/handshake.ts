// Who calls, and whether we talk to them. TLS has proven by then that the caller has a certificate of the cluster's own authority; here it is decided whether that
// is a member of this very cluster: one authority may have signed for nodes, for people, and for the cluster that this one was restored from.
//
//   hello    = magic 8 bytes · least u16 · most u16 (versions of the protocol) · purpose u8 · clusterId · clusterEpoch · from f64 · to f64 · address
//   welcome  = version u16                refusal = reason u8 · words
//   clusterId, clusterEpoch, address, words = length u16 · UTF-8
//
// This form outlives every version of the protocol: both sides must understand the hello to find out that they do not understand each other.
//
// A cluster that was restored, or forced anew from one survivor, keeps its id and gets another epoch (store/disaster). Members of different epochs have logs that
// contradict each other: they never talk, whatever terms and indexes say.
//
// A member that our configuration does not name is let in (thesis §4.1): whoever lags behind hears of it from that very member. Its certificate is what admits it,
// and `to` and the cluster's id are what keeps apart what must not meet. Only who was removed stays out for good.
import { Buffer } from "node:buffer";
import { peerAddressBytes } from "../../../shared/limits.ts";
import { build, type Frame, kind, read } from "./frames.ts";

export const purposes = ["control", "log", "snapshot"] as const;
/** What a connection is for: Append and proposals, a snapshot, or everything that is small and urgent. */
export type Purpose = typeof purposes[number];

export interface MemberName {
  readonly clusterId: string;
  readonly clusterEpoch: string;
  readonly memberId: number;
}
/** Versions of the protocol, both included. */
export interface Versions {
  readonly least: number;
  readonly most: number;
}
export const versions: Versions = { least: 1, most: 1 };

export interface Hello {
  readonly versions: Versions;
  readonly purpose: Purpose;
  readonly clusterId: string;
  readonly clusterEpoch: string;
  readonly from: number;
  readonly to: number;
  /** Where the caller can be called, `host:port`; empty when it does not know. */
  readonly address: string;
}

// Positions in this list are the numbers on the wire: append only.
export const refusals = ["garbage", "version", "certificate", "cluster", "addressee", "double", "removed", "busy", "epoch"] as const;
export interface Refusal {
  readonly reason: typeof refusals[number];
  /** A sentence that names who was refused and where it is, and says what to do. */
  readonly words: string;
}

const magic = Buffer.from("SKERRYPE");

/** The URI that the certificate of a member carries. */
export const memberUri = ({ clusterId, clusterEpoch, memberId }: MemberName): string =>
  `skerry://${clusterId}/epochs/${clusterEpoch}/members/${memberId}`;

/** The member that a certificate's subjectAltName names, as the runtimes write it; undefined when it is that of a node or of a person. */
export function memberNamed(subjectAltName: string | undefined): MemberName | undefined {
  for (const name of (subjectAltName ?? "").split(", ")) {
    const found = /^URI:skerry:\/\/([0-9a-f]{1,64})\/epochs\/([0-9a-f]{1,64})\/members\/([1-9]\d{0,15})$/.exec(name);
    if (found && Number.isSafeInteger(Number(found[3]))) {
      return { clusterId: found[1]!, clusterEpoch: found[2]!, memberId: Number(found[3]) };
    }
  }
  return undefined;
}

export const encodeHello = (hello: Hello): Uint8Array =>
  build(kind.hello, 64 + (hello.clusterId.length + hello.clusterEpoch.length + hello.address.length) * 3, (writer) => {
    writer.raw(magic);
    writer.u16(hello.versions.least);
    writer.u16(hello.versions.most);
    writer.u8(purposes.indexOf(hello.purpose));
    writer.text(hello.clusterId);
    writer.text(hello.clusterEpoch);
    writer.f64(hello.from);
    writer.f64(hello.to);
    writer.text(hello.address);
  });

/** @throws WireError */
export const decodeHello = (frame: Frame): Hello =>
  read(frame, kind.hello, (reader) => {
    if (!magic.equals(reader.bytes(magic.length))) throw reader.error("it does not begin like a hello");
    const hello = {
      versions: { least: reader.u16(), most: reader.u16() },
      purpose: reader.oneOf(purposes, "purpose"),
      clusterId: reader.text(),
      clusterEpoch: reader.text(),
      from: reader.whole(),
      to: reader.whole(),
      address: reader.text(),
    };
    if (hello.address.length > peerAddressBytes) {
      throw reader.error(`its address has ${hello.address.length} characters; ${peerAddressBytes} is the most`);
    }
    return hello;
  });

export const encodeWelcome = (version: number): Uint8Array => build(kind.welcome, 2, (writer) => writer.u16(version));
export const encodeRefusal = ({ reason, words }: Refusal): Uint8Array =>
  build(kind.refusal, 3 + words.length * 3, (writer) => {
    writer.u8(refusals.indexOf(reason));
    writer.text(words);
  });

/** @throws WireError */
export function decodeAnswer(frame: Frame, asked = versions): { readonly version: number } | Refusal {
  if (frame.kind === kind.refusal) {
    return read(frame, kind.refusal, (reader) => ({ reason: reader.oneOf(refusals, "reason"), words: reader.text() }));
  }
  return read(frame, kind.welcome, (reader) => {
    const version = reader.u16();
    if (version < asked.least || version > asked.most) throw reader.error(`it chooses version ${version}, which was not offered`);
    return { version };
  });
}

export interface Host extends MemberName {
  readonly versions: Versions;
  isRemoved(member: number): boolean;
}

/** Whether the member at `at`, with this certificate, may say more than hello. The address is where it says it listens, or else where the connection comes from. */
export function judgeCaller(
  hello: Hello,
  { certificate, at }: { readonly certificate: MemberName | undefined; readonly at: string },
  host: Host,
): { readonly version: number } | Refusal {
  const { from, to, clusterId, clusterEpoch, versions: theirs } = hello, who = `member ${from} at ${hello.address || at}`;
  const refuse = (reason: Refusal["reason"], what: string): Refusal => ({ reason, words: `Cannot take a connection of ${who}: ${what}` });
  const version = Math.min(theirs.most, host.versions.most);
  if (version < theirs.least || version < host.versions.least || theirs.least > theirs.most) {
    const [a, b] = [theirs, host.versions].map(({ least, most }) => least === most ? `version ${least}` : `versions ${least} to ${most}`);
    return refuse(
      "version",
      `it speaks ${a} of the protocol between masters, and member ${host.memberId} speaks ${b}. Upgrade the older of the two`,
    );
  }
  if (clusterId !== host.clusterId) {
    return refuse(
      "cluster",
      `it is of cluster ${clusterId}, and member ${host.memberId} is of cluster ${host.clusterId}. Take the wrong address out of its configuration; ` +
        "to bring it over into this cluster, empty its data directory and let it join",
    );
  }
  if (clusterEpoch !== host.clusterEpoch) {
    return refuse(
      "epoch",
      `it is of epoch ${clusterEpoch} of this cluster, and member ${host.memberId} is of epoch ${host.clusterEpoch}. ${otherEpoch}`,
    );
  }
  if (!certificate) {
    return refuse(
      "certificate",
      "its certificate is of this cluster's authority, but not that of a master. Let it join as one to get such a certificate",
    );
  }
  if (certificate.clusterId !== clusterId || certificate.clusterEpoch !== clusterEpoch || certificate.memberId !== from) {
    const { memberId, clusterId: cluster, clusterEpoch: epoch } = certificate;
    return refuse(
      "certificate",
      `its certificate is that of member ${memberId} of cluster ${cluster}, epoch ${epoch}. Give it back its own, or let it join anew`,
    );
  }
  if (from === host.memberId) {
    return refuse(
      "double",
      "it has the id of this member itself: two masters run with copies of one data directory. Stop one of them, and let it join anew with an empty one",
    );
  }
  if (host.isRemoved(from)) {
    return refuse(
      "removed",
      "it was removed from this cluster, and its id never comes back. Stop it; to use the machine again, empty its data directory and let it join",
    );
  }
  if (to !== host.memberId) {
    return refuse(
      "addressee",
      `it wants member ${to}, and this is member ${host.memberId}. Correct the address of member ${to} among the members of the cluster`,
    );
  }
  return { version };
}

/** Why the one that answered at `address` is not the one that was called; undefined when it is. */
export function judgeCalled(certificate: MemberName | undefined, wanted: MemberName, address: string): Refusal | undefined {
  const refuse = (reason: Refusal["reason"], what: string, advice = correctIt): Refusal => ({
    reason,
    words: `Cannot call member ${wanted.memberId} at ${address}: ${what}. ${advice}`,
  });
  const correctIt = `Correct the address of member ${wanted.memberId} among the members of the cluster`;
  if (!certificate) return refuse("addressee", "who answers there has no certificate of a master");
  const { clusterId, clusterEpoch, memberId } = certificate;
  if (clusterId !== wanted.clusterId) return refuse("cluster", `member ${memberId} of another cluster (${clusterId}) answers there`);
  if (clusterEpoch !== wanted.clusterEpoch) {
    return refuse(
      "epoch",
      `member ${memberId} of epoch ${clusterEpoch} of this cluster answers there, and this is epoch ${wanted.clusterEpoch}`,
      otherEpoch,
    );
  }
  return memberId === wanted.memberId ? undefined : refuse("addressee", `member ${memberId} answers there`);
}

/** Which of the two is meant to live, only people know. */
const otherEpoch = "The cluster was restored, or forced anew from one master, and one of the two is of the life before. " +
  "Stop that one; to use its machine again, empty its data directory and let it join";
