// Who are you? A certificate of our own CA, or a bearer token. Whoever shows neither is anonymous; whoever shows something false is refused.
import type { Clock } from "../../shared/util/clock.ts";
import { unauthorized } from "./errors.ts";
import { anonymous, authenticated, type User } from "../rbac/user.ts";

/** What a connection and a request show of their sender. */
export interface Credentials {
  /** The client's certificate (DER). One connection shows the same array each time. TLS has proved that the client holds its key, nothing else. */
  readonly certificate?: Uint8Array | undefined;
  /** The Authorization header. */
  readonly authorization?: string | undefined;
}
/** @throws ApiError Unauthorized if what is shown is false. */
export type Authenticator = (credentials: Credentials) => Promise<User>;

/** Whom a certificate of ours speaks for. */
export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly serial: string;
  /** SHA-256 of the public key, hex: what an enrolment knows a node by. */
  readonly keyHash: string;
}
export interface AuthenticatorDependencies {
  readonly clock: Clock;
  /** Reads a certificate that our CA has signed; undefined for any other. Dates are judged here. */
  readonly verify: (raw: Uint8Array) => ClientCertificate | undefined;
  /** Whose token is it? Undefined: nobody's. */
  readonly tokens: (token: string) => Promise<User | undefined>;
  /** A node that was enrolled and then thrown out still has a certificate that verifies. */
  readonly revoked?: (certificate: ClientCertificate) => boolean | Promise<boolean>;
}

/** CN is the user, every O a group: Kubernetes' reading of a client certificate. */
export function createAuthenticator({ clock, verify, tokens, revoked }: AuthenticatorDependencies): Authenticator {
  /** A signature costs as much as a small request, so it is checked once a connection; dates and revocation, each time. */
  const verified = new WeakMap<Uint8Array, { certificate: ClientCertificate; user: User }>();

  async function byCertificate(raw: Uint8Array): Promise<User | undefined> {
    let known = verified.get(raw);
    if (!known) {
      const certificate = verify(raw);
      if (!certificate || certificate.commonName === "") return undefined;
      known = { certificate, user: authenticatedUser({ name: certificate.commonName, groups: certificate.organizations }) };
      verified.set(raw, known);
    }
    const { certificate, user } = known, now = clock.now();
    if (now < certificate.notBefore || now > certificate.notAfter) return undefined;
    return await revoked?.(certificate) ? undefined : user;
  }

  return async ({ certificate, authorization }) => {
    const fromCertificate = certificate && await byCertificate(certificate);
    if (fromCertificate) return fromCertificate;
    const token = authorization && /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const fromToken = token && await tokens(token);
    if (fromToken) return authenticatedUser(fromToken);
    if (certificate || authorization) throw unauthorized();
    return anonymous;
  };
}

/** Whoever has shown who they are is in this group. */
export const authenticatedUser = (user: User): User =>
  user.groups.includes(authenticated) ? user : { ...user, groups: [...user.groups, authenticated] };
