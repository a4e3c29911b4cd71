// The registry of kinds: one import and one array entry per kind. The only barrel in the house.
import type { Kind } from "../resource.ts";
import { services } from "./service.ts";

/** In discovery order, which is the order of `kubectl get all`. */
export const kinds: readonly Kind[] = [services] as never;
