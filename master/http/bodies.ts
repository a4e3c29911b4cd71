// Kinds that only travel, as bodies of subresources and deletions: decoded like stored ones, and checked here because no admission sees them.
import type { Message } from "../../shared/api/schema.ts";
import { Binding } from "../../shared/api/kinds/binding.ts";
import { DeleteOptions } from "../../shared/api/kinds/delete_options.ts";
import { Eviction } from "../../shared/api/kinds/eviction.ts";
import { Scale } from "../../shared/api/kinds/scale.ts";
import { TokenRequest } from "../../shared/api/kinds/token_request.ts";
import { resource } from "../../shared/api/resource.ts";
import type { BodyKind } from "./object.ts";

const travelling = <T>(schema: Message<T>, plural: string): BodyKind<T> => resource(schema, { plural, namespaced: true, stored: false });

export const bindingBody = travelling(Binding, "bindings");
export const deleteOptionsBody = travelling(DeleteOptions, "deleteoptions");
export const evictionBody = travelling(Eviction, "evictions");
export const scaleBody = travelling(Scale, "scales");
export const tokenRequestBody = travelling(TokenRequest, "tokenrequests");
