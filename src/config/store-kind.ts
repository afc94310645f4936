/** One kind of store: how its URLs begin, and how they are read. */
export interface StoreKind {
  /** What stands before the colon, in lower case. */
  readonly scheme: string;
  readonly example: string;
  /** Throws an Error whose message goes on after the words "it " and holds no secret. */
  readonly parse: (url: string) => { readonly kind: string };
}
