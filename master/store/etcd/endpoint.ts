// One member of etcd, as we reach it: an HTTP/2 connection that gRPC keeps, with its calls and streams.
import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { etcdPingMs, etcdPingTimeoutMs } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import { endpointForm } from "./endpoint_form.ts";
import { type Calls, methods, type Streams } from "./protocol.ts";

grpc.setLogVerbosity(grpc.logVerbosity.NONE); // what it has to say comes with the errors; the log is ours

export interface EtcdTls {
  /** PEM; left out: the authorities that the runtime trusts. */
  readonly ca?: string | undefined;
  /** PEM, both or none. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}
export interface EtcdStream<Name extends keyof Streams> extends AsyncIterable<Streams[Name][1]> {
  write(request: Streams[Name][0]): unknown;
  cancel(): void;
}

export class Endpoint {
  readonly url: string;
  readonly #client: grpc.Client;
  readonly #clock: Clock;

  constructor(url: string, tls: EtcdTls, clock: Clock) {
    const [, scheme, host, port = "2379"] = endpointForm.exec(url)!;
    this.url = url;
    this.#clock = clock;
    this.#client = new grpc.Client(`${host}:${port}`, scheme === "http" ? grpc.credentials.createInsecure() : credentials(host!, tls), {
      // An address is no server name (RFC 6066 §3), and Deno refuses it; `credentials` checks the certificate against the address all the same.
      ...(addressOf(host!) && { "grpc.ssl_target_name_override": "etcd" }),
      "grpc.max_receive_message_length": -1, // lists are as long as they are
      "grpc.max_send_message_length": -1, // what is too large etcd says
      "grpc.keepalive_time_ms": etcdPingMs,
      "grpc.keepalive_timeout_ms": etcdPingTimeoutMs,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.min_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2_000,
      "grpc.enable_retries": 0, // client.ts knows what may be tried again
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.use_local_subchannel_pool": 1, // connections end with the store that made them
    });
  }

  /** Resolves with whether it can be called now. False as soon as a connection has failed, or after `withinMs`. */
  async ready(withinMs: number): Promise<boolean> {
    const channel = this.#client.getChannel(), { READY, TRANSIENT_FAILURE, SHUTDOWN } = grpc.connectivityState;
    const end = this.#clock.now() + withinMs;
    for (let state = channel.getConnectivityState(true);; state = channel.getConnectivityState(true)) {
      if (state === READY) return true;
      if (state === TRANSIENT_FAILURE || state === SHUTDOWN) return false;
      const late = await new Promise<unknown>((resolve) => channel.watchConnectivityState(state, new Date(end), resolve));
      if (late) return false;
    }
  }

  /** @throws grpc.ServiceError */
  call<Name extends keyof Calls>(name: Name, request: Calls[Name][0], withinMs: number): Promise<Calls[Name][1]> {
    const { path, requestSerialize, responseDeserialize } = methods[name];
    return new Promise((resolve, reject) => {
      const deadline = new Date(this.#clock.now() + withinMs);
      const local = name === "status" || (request as { serializable?: boolean }).serializable;
      const metadata = local ? new grpc.Metadata() : withLeader();
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, (error, response) => {
        if (error) reject(error);
        else resolve(response as Calls[Name][1]);
      });
    });
  }

  open<Name extends keyof Streams>(name: Name): EtcdStream<Name> {
    const { path, requestSerialize, responseDeserialize } = methods[name];
    const stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, withLeader());
    stream.on("error", () => {}); // whoever reads gets it; when nobody does any more, it is no news
    return stream as unknown as EtcdStream<Name>;
  }

  close(): void {
    this.#client.close();
  }
}

/** A member that is cut off from the majority refuses at once, and ends streams, instead of letting them wait. */
function withLeader(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set("hasleader", "true");
  return metadata;
}

const addressOf = (host: string): string | undefined => {
  const bare = host.replace(/^\[|\]$/g, "");
  return isIP(bare) > 0 ? bare : undefined;
};

/** @throws Error when what is given is no certificate or no key */
function credentials(host: string, { ca, cert, key }: EtcdTls): grpc.ChannelCredentials {
  const pem = (text: string | undefined): Buffer | null => text === undefined ? null : Buffer.from(text);
  return grpc.credentials.createSsl(pem(ca), pem(key), pem(cert), {
    checkServerIdentity: (name, certificate) => checkServerIdentity(addressOf(host) ?? name, certificate as never),
  });
}
