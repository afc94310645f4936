/** The token that a connection shows to etcd: made by signing in, and kept until etcd refuses it. */
export interface TokenKeeper {
  /** The token of now; signs in where there is none. */
  get(): Promise<string>;
  /** etcd does not take this one any more. Where another is there already, that one stays. */
  refuse(token: string): void;
}

/** Calls that run side by side share one sign-in. One that failed is not kept. */
export function tokenKeeper(signIn: () => Promise<string>): TokenKeeper {
  let current: Promise<string> | undefined;
  let known: string | undefined;

  async function renew(): Promise<string> {
    try {
      return (known = await signIn());
    } catch (error) {
      current = undefined;
      throw error;
    }
  }

  return {
    get: () => (current ??= renew()),
    refuse(token) {
      if (token === known) current = known = undefined;
    },
  };
}
