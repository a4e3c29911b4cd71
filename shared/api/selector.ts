// Label and field selectors: parsed once, matched often.

export type Requirement =
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" }
  | { readonly key: string; readonly operator: "Gt" | "Lt"; readonly value: number };
/** All of them must hold. */
export type Labels = readonly Requirement[];
/** `a=b` and `a!=b`, all of them. */
export type Fields = readonly { readonly field: string; readonly equal: boolean; readonly value: string }[];
