// Images of the machine's Podman store. Names are qualified before Podman hears them: it would ask its own configuration, which differs from device to device.
import { ImagesApi } from "podman-api-client";
import { qualified } from "./image_reference.ts";
import { attempt } from "./podman_errors.ts";
import { type CallOptions, jsonLines, type PodmanTransport } from "./podman_transport.ts";
import type { ContainerRuntime, ImageInfo, LocalImage } from "./runtime.ts";

export type PullOptions = Parameters<ContainerRuntime["pull"]>[1];

export class PodmanImages {
  readonly #transport: PodmanTransport;

  constructor(transport: PodmanTransport) {
    this.#transport = transport;
  }

  /** Rejects with the library's own error. */
  has(reference: string, signal?: AbortSignal): Promise<boolean> {
    return this.#api({ signal }).exists(qualified(reference));
  }

  async image(reference: string): Promise<ImageInfo | undefined> {
    return await attempt(`look for image ${reference}`, async () => {
      const image = await this.#api().inspect(qualified(reference));
      if (image === null) return undefined;
      return {
        id: image.Id ?? "",
        digests: (image.RepoDigests as string[] | null | undefined) ?? [],
        user: (image as { User?: string }).User ?? "", // libpod's own field; the library's type is Docker's
        sizeBytes: image.Size ?? 0,
      };
    });
  }

  async all(): Promise<readonly LocalImage[]> {
    const all = await attempt("list images", () => this.#api().list());
    return all.map(({ Id = "", RepoTags, RepoDigests, Size = 0, Containers = 0 }) => ({
      id: Id,
      names: [...(RepoTags as string[] | null | undefined) ?? [], ...(RepoDigests as string[] | null | undefined) ?? []],
      sizeBytes: Size,
      used: Containers > 0,
    }));
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    await attempt(`remove image ${id.slice(0, 12)}`, () => this.#api({ signal }).remove(id), signal);
  }

  async pull(reference: string, options: PullOptions): Promise<ImageInfo> {
    const { signal } = options;
    const name = qualified(reference);
    return await attempt(
      `pull image ${reference}`,
      async () => {
        const path = `/images/pull?reference=${encodeURIComponent(name)}&policy=always&quiet=false`;
        const headers: Record<string, string> = options.auth === undefined ? {} : { "x-registry-auth": options.auth };
        // The head waits for the registry's first byte: over LTE that may take long, and the caller's signal is the limit.
        const response = await this.#transport.call("POST", path, undefined, headers, { signal, headTimeoutMs: Infinity });
        let failure: string | undefined;
        for await (const line of jsonLines(response.body ?? new Response("").body!)) {
          // A failure comes inside a 200: the status was sent before the pull began.
          if (typeof line.error === "string" && line.error !== "") failure = line.error;
          else if (response.status >= 400) failure = String(line.message ?? line.cause);
          else if (typeof line.stream === "string") options.progress?.(line.stream.trimEnd());
        }
        if (failure !== undefined) throw new Error(failure);
        const image = await this.image(name);
        if (image === undefined) throw new Error("Podman said that it was pulled, but does not have it");
        return image;
      },
      signal,
      "ImagePull",
    );
  }

  #api = (options: CallOptions = {}) => new ImagesApi(this.#transport.with(options));
}
