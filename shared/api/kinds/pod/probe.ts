// Checks of a container's health, and hooks into its life.
import { atomic, field, inline, int32, int64, list, message, oneOf, optional, required, string } from "../../schema.ts";
import { intOrString } from "../../scalars.ts";

const core = "k8s.io.api.core.v1";

export class ExecAction extends message(`${core}.ExecAction`, "A command to run in the container.", {
  command: field(1, list(string), "The command and its arguments. No shell around it.", atomic),
}) {}
export class HTTPHeader extends message(`${core}.HTTPHeader`, "A header to send.", {
  name: required(1, string, "Name of the header."),
  value: required(2, string, "Value of the header.", { default: "" }),
}) {}
export class HTTPGetAction extends message(`${core}.HTTPGetAction`, "An HTTP request to make.", {
  path: field(1, string, "Path to ask for.", { default: "/" }),
  port: required(2, intOrString, "Number or name of the port."),
  host: field(3, string, "Host to ask; the pod itself, if left out."),
  scheme: field(4, oneOf("HTTP", "HTTPS"), "Scheme of the request.", { default: "HTTP" }),
  httpHeaders: field(5, list(HTTPHeader), "Headers to send.", atomic),
}) {}
export class TCPSocketAction extends message(`${core}.TCPSocketAction`, "A connection to open.", {
  port: required(1, intOrString, "Number or name of the port."),
  host: field(2, string, "Host to connect to; the pod itself, if left out."),
}) {}
export class GRPCAction extends message(`${core}.GRPCAction`, "A gRPC health check to make.", {
  port: required(1, int32, "Number of the port."),
  service: optional(2, string, "Service to ask about.", { default: "" }),
}) {}
export class SleepAction extends message(`${core}.SleepAction`, "A pause.", {
  seconds: required(1, int64, "Seconds to wait.", { default: 0 }),
}) {}

export class ProbeHandler extends message(`${core}.ProbeHandler`, "How to probe: one of four ways.", {
  exec: optional(1, ExecAction, "Run a command; exit status 0 is healthy."),
  httpGet: optional(2, HTTPGetAction, "Make an HTTP request; 200 to 399 is healthy."),
  tcpSocket: optional(3, TCPSocketAction, "Open a connection; if it opens, healthy."),
  grpc: optional(4, GRPCAction, "Make a gRPC health check."),
}) {}
export class Probe extends message(`${core}.Probe`, "A health check of a container.", {
  ...inline(1, "handler", ProbeHandler),
  initialDelaySeconds: field(2, int32, "Seconds from the container's start to the first probe."),
  timeoutSeconds: field(3, int32, "Seconds until a probe has failed.", { default: 1 }),
  periodSeconds: field(4, int32, "Seconds between probes.", { default: 10 }),
  successThreshold: field(5, int32, "Successes in a row that make it healthy.", { default: 1 }),
  failureThreshold: field(6, int32, "Failures in a row that make it unhealthy.", { default: 3 }),
  terminationGracePeriodSeconds: optional(7, int64, "Seconds to stop in after a failed probe; the pod's, if left out."),
}) {}

export class LifecycleHandler extends message(`${core}.LifecycleHandler`, "What a hook does: one of four things.", {
  exec: optional(1, ExecAction, "Run a command in the container."),
  httpGet: optional(2, HTTPGetAction, "Make an HTTP request."),
  tcpSocket: optional(3, TCPSocketAction, "No longer acted on; kept for old objects."),
  sleep: optional(4, SleepAction, "Wait."),
}) {}

const realtime = (from: "SIGRTMIN+" | "SIGRTMAX-", last: number) => Array.from({ length: last }, (_, i) => `${from}${i + 1}`);
/** Signals that may stop a container. */
export const signal = oneOf(
  ...["ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT"]
    .map((name) => `SIG${name}`),
  ...["SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ"]
    .map((name) => `SIG${name}`),
  "SIGRTMIN",
  ...realtime("SIGRTMIN+", 15),
  ...realtime("SIGRTMAX-", 14),
  "SIGRTMAX",
);
export class Lifecycle extends message(`${core}.Lifecycle`, "What happens at the start and before the end of a container.", {
  postStart: optional(1, LifecycleHandler, "Right after the start; if it fails, the container is stopped."),
  preStop: optional(2, LifecycleHandler, "Before the container is told to stop; its time counts against the grace period."),
  stopSignal: optional(3, signal, "Signal that tells the container to stop; the image's, if left out."),
}) {}
