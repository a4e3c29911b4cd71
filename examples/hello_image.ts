// The image that the examples run, built on this machine out of Debian's static busybox: no registry, no Dockerfile, 2 MB.
// It serves HTTP on port 8080 (or $PORT), answers with the pod's name, logs each request, and ends at SIGTERM at once.
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { ImagesApi } from "podman-api-client";
import { PodmanTransport } from "../agent/runtime/podman_transport.ts";
import { systemClock } from "../shared/util/clock.ts";

export const helloImage = "localhost/skerry-hello:1";

// A shell as process 1 with a trap: the kernel drops signals to a process 1 that has no handler, so httpd alone would sit out every grace period.
const server = `#!/bin/sh
port="\${PORT:-8080}"
trap 'kill "$httpd"; exit 0' TERM INT
httpd -f -p "$port" -h /www &
httpd=$!
echo "hello from $(hostname), listening on $port"
wait "$httpd"
`;
const page = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "\${MESSAGE:-Hello} from pod $(hostname)"
echo "$REQUEST_METHOD from $REMOTE_ADDR" >&2
`;

/** Loads the image into the Podman that listens at `socketPath`. The same busybox always gives the same image id, so a second time changes nothing. */
export async function buildHelloImage(socketPath: string): Promise<void> {
  const images = new ImagesApi(new PodmanTransport(systemClock, socketPath).with());
  await images.load(new Response(helloImageArchive() as BodyInit).body!);
}

/** The image as a docker archive (`podman load` understands it). */
function helloImageArchive(busyboxPath = findBusybox()): Uint8Array {
  const applets = execFileSync(busyboxPath, ["--list"], { encoding: "utf8" }).trim().split("\n");
  const layer = tar([
    { path: "bin/", mode: 0o755 },
    { path: "bin/busybox", mode: 0o755, content: readFileSync(busyboxPath) },
    ...applets.filter((name) => name !== "busybox").map((name) => ({ path: `bin/${name}`, mode: 0o777, link: "busybox" })),
    { path: "bin/hello", mode: 0o755, content: Buffer.from(server) },
    { path: "etc/", mode: 0o755 },
    { path: "etc/passwd", mode: 0o644, content: Buffer.from("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n") },
    { path: "etc/group", mode: 0o644, content: Buffer.from("root:x:0:\nnogroup:x:65534:\n") },
    { path: "root/", mode: 0o700 },
    { path: "tmp/", mode: 0o1777 },
    { path: "www/", mode: 0o755 },
    { path: "www/cgi-bin/", mode: 0o755 },
    { path: "www/cgi-bin/index.cgi", mode: 0o755, content: Buffer.from(page) }, // busybox httpd runs it for "/"
  ]);
  const config = Buffer.from(JSON.stringify({
    architecture: ({ x64: "amd64", arm64: "arm64", arm: "arm" } as Record<string, string>)[process.arch] ?? process.arch,
    os: "linux",
    created: "2026-01-01T00:00:00Z", // fixed, so that the id depends on the content alone
    config: { Cmd: ["/bin/hello"], Env: ["PATH=/bin"], ExposedPorts: { "8080/tcp": {} } },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: "2026-01-01T00:00:00Z", created_by: "skerry examples" }],
  }));
  const configName = `${sha256(config)}.json`;
  return tar([
    { path: configName, mode: 0o644, content: config },
    { path: "layer.tar", mode: 0o644, content: layer },
    {
      path: "manifest.json",
      mode: 0o644,
      content: Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [helloImage], Layers: ["layer.tar"] }])),
    },
  ]);
}

/** A busybox that needs no shared libraries. */
function findBusybox(): string {
  const path = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync);
  // A dynamic program names its loader in the first page.
  if (path === undefined || /ld-(linux|musl)/.test(readFileSync(path).toString("latin1", 0, 8192))) {
    throw new Error(
      `Cannot build ${helloImage}: it is made of a static busybox, and there is none. On Debian: apt-get install busybox-static`,
    );
  }
  return path;
}

interface Entry {
  /** A directory if it ends in a slash. */
  readonly path: string;
  readonly mode: number;
  readonly content?: Uint8Array;
  /** Target of a symbolic link. */
  readonly link?: string;
}

/** A ustar archive (POSIX.1-1988): 512-byte header, content padded to 512, two empty blocks at the end. */
function tar(entries: readonly Entry[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const { path, mode, content = new Uint8Array(), link } of entries) {
    const header = Buffer.alloc(512);
    const octal = (value: number, at: number, width: number) =>
      header.write(value.toString(8).padStart(width - 1, "0") + "\0", at, "ascii");
    header.write(path, 0, 100);
    octal(mode, 100, 8);
    octal(0, 108, 8); // uid
    octal(0, 116, 8); // gid
    octal(content.byteLength, 124, 12);
    octal(0, 136, 12); // mtime
    header.write(link !== undefined ? "2" : path.endsWith("/") ? "5" : "0", 156);
    if (link !== undefined) header.write(link, 157, 100);
    header.write("ustar\x0000", 257, "latin1");
    header.fill(" ", 148, 156); // the checksum counts its own field as spaces
    octal(header.reduce((sum, byte) => sum + byte, 0), 148, 7);
    blocks.push(header, content, Buffer.alloc((512 - (content.byteLength % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
